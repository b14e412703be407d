// tincan.js: what TinCanJS can do, in a browser. window.where: {endpoint, name, secret}.
"use strict";
(function () {
  const { same, holds, uuid } = flow;
  const lrs = new TinCan.LRS({
    endpoint: where.endpoint, username: where.name, password: where.secret, allowFail: false,
  });
  const actor = new TinCan.Agent({ mbox: "mailto:" + uuid() + "@example.cn" });
  const activity = new TinCan.Activity({ id: "https://courses.example.cn/" + uuid(), definition: { name: { en: "one" } } });
  const statement = (more) => new TinCan.Statement(Object.assign({
    actor, verb: { id: "http://adlnet.gov/expapi/verbs/attempted" }, target: activity }, more));

  // TinCanJS calls back with (error, result); an error may be an XMLHttpRequest or a status.
  const ask = (what, first, options) => new Promise((yes, no) => {
    const cfg = Object.assign({}, options, { callback: (e, r) => e === null || e === undefined || e === 0
      ? yes(r) : no(new Error(e.responseText || String(e.status || e))) });
    if (first === undefined) lrs[what](cfg);
    else lrs[what](first, cfg);
  });

  // key, value, options
  function save(kind, key, value, options) {
    return new Promise((yes, no) => lrs["save" + kind](key, value, Object.assign({ contentType: "application/json",
      callback: (e, r) => (e === null || e === undefined || e === 0 ? yes(r) : no(new Error(e.responseText || e))) }, options)));
  }

  async function profile(kind, of) {
    await save(kind, "p", { a: 1 }, of);
    const first = await ask("retrieve" + kind, "p", of);
    same(first.contents, { a: 1 });
    await save(kind, "p", { b: 2 }, Object.assign({ lastSHA1: first.etag.replace(/"/g, "") }, of));
    await ask("drop" + kind, "p", of);
    same(await ask("retrieve" + kind, "p", of), null);
  }

  window.flows = [
    ["about", async () => { holds((await ask("about")).version.length > 0, "a version"); }],
    ["statement: save and get", async () => {
      const s = statement();
      await ask("saveStatement", s);
      same((await ask("retrieveStatement", s.id)).id, s.id);
    }],
    ["statements: save several", async () => {
      await ask("saveStatements", [statement(), statement()]);
    }],
    ["statements: query", async () => {
      const r = await ask("queryStatements", undefined, { params: { agent: actor, limit: 1 } });
      same(r.statements.length, 1);
    }],
    ["statements: more", async () => {
      const r = await ask("queryStatements", undefined, { params: { agent: actor, limit: 1 } });
      same((await ask("moreStatements", undefined, { url: r.more })).statements.length, 1);
    }],
    ["statement: void, and what was voided", async () => {
      const s = statement(), v = new TinCan.Statement({ actor, verb: { id: "http://adlnet.gov/expapi/verbs/voided" },
        target: { objectType: "StatementRef", id: s.id } });
      await ask("saveStatement", s);
      await ask("saveStatement", v);
      same((await ask("retrieveVoidedStatement", s.id)).id, s.id);
    }],
    ["statement: with an attachment", async () => {
      const content = new TextEncoder().encode("hello 你好").buffer;
      const s = statement({ attachments: [{ usageType: "https://example.cn/usage", display: { en: "t" },
        contentType: "text/plain", content }] });
      await ask("saveStatement", s);
      const got = await ask("retrieveStatement", s.id, { params: { attachments: true } });
      same(new Uint8Array(got.attachments[0].content), new Uint8Array(content));
    }],
    ["state: save and get", async () => {
      await save("State", "s", { at: 3 }, { agent: actor, activity });
      same((await ask("retrieveState", "s", { activity, agent: actor })).contents, { at: 3 });
    }],
    ["state: save another, of a registration", async () => {
      const of = { agent: actor, activity, registration: uuid() };
      await save("State", "r", { of: 9 }, of);
      same((await ask("retrieveState", "r", of)).contents, { of: 9 });
    }],
    ["state: ids", async () => {
      holds((await ask("retrieveStateIds", undefined, { activity, agent: actor })).includes("s"), "s among them");
    }],
    ["state: drop", async () => {
      await ask("dropState", "s", { activity, agent: actor });
      same(await ask("retrieveState", "s", { activity, agent: actor }), null);
    }],
    ["activity: what was said of it", async () => {
      same((await ask("retrieveActivity", activity.id)).definition.name.en, "one");
    }],
    ["activity profile", async () => {
      await profile("ActivityProfile", { activity });
    }],
    ["agent profile", async () => {
      await profile("AgentProfile", { agent: actor });
    }],
  ];

})();
