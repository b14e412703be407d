// wrapper.js: what ADL's xAPIWrapper can do, in a browser.
"use strict";
(function () {
  const { same, holds, uuid } = flow;
  ADL.XAPIWrapper.changeConfig({ endpoint: where.endpoint + "/", auth: "Basic " + btoa(where.name + ":" + where.secret) });
  ADL.XAPIWrapper.log.debug = false;
  const w = ADL.XAPIWrapper;
  const agent = { mbox: "mailto:" + uuid() + "@example.cn" }, activity = "https://courses.example.cn/" + uuid();
  const statement = (more) => Object.assign({ id: uuid(), actor: agent, verb: { id: "http://adlnet.gov/expapi/verbs/answered" },
    object: { id: activity, definition: { name: { en: "one" } } } }, more);

  // It calls back with the request, or an error before it.
  const ask = (call) => new Promise((yes, no) => call((a, b) => {
    const r = a && a.status !== undefined ? a : b && b.status !== undefined ? b : a;
    if (r && r.status >= 400) no(new Error(r.status + " " + r.responseText));
    else yes(r);
  }));
  const json = (r) => JSON.parse(r.response || r.responseText);
  const refused = async (promise, status) => {
    const said = await promise.then(() => "it was taken", (e) => e.message);
    holds(said.startsWith(String(status)), status + ", it was " + said);
  };

  window.flows = [
    ["statement: send and get", async () => {
      const s = statement();
      await ask((cb) => w.sendStatement(s, (r, o) => cb(r)));
      same(json(await ask((cb) => w.getStatements({ statementId: s.id }, null, cb))).id, s.id);
    }],
    ["statements: send several", async () => {
      same(json(await ask((cb) => w.sendStatements([statement(), statement()], cb))).length, 2);
    }],
    ["statements: by agent, more", async () => {
      const first = json(await ask((cb) => w.getStatements({ agent: JSON.stringify(agent), limit: 1 }, null, cb)));
      same(first.statements.length, 1);
      same(json(await ask((cb) => w.getStatements(null, first.more, cb))).statements.length, 1);
    }],
    ["state: send, get, ids, delete", async () => {
      await ask((cb) => w.sendState(activity, agent, "s", null, { at: 3 }, null, null, cb));
      same(json(await ask((cb) => w.getState(activity, agent, "s", null, null, cb))), { at: 3 });
      same(json(await ask((cb) => w.getState(activity, agent, null, null, null, cb))), ["s"]);
      await ask((cb) => w.deleteState(activity, agent, "s", null, null, null, cb));
      await refused(ask((cb) => w.getState(activity, agent, "s", null, null, cb)), 404);
    }],
    ["activity: what was said of it", async () => {
      same(json(await ask((cb) => w.getActivities(activity, cb))).definition.name.en, "one");
    }],
    ["activity profile: send, get, delete", async () => {
      await ask((cb) => w.sendActivityProfile(activity, "p", { a: 1 }, null, "*", cb));
      same(json(await ask((cb) => w.getActivityProfile(activity, "p", null, cb))), { a: 1 });
      const hash = ADL.XAPIWrapper.hash(JSON.stringify({ a: 1 }));
      await ask((cb) => w.deleteActivityProfile(activity, "p", hash, null, cb));
    }],
    ["agents", async () => {
      same(json(await ask((cb) => w.getAgents(agent, cb))).objectType, "Person");
    }],
    ["agent profile: send, get, delete", async () => {
      await ask((cb) => w.sendAgentProfile(agent, "p", { a: 1 }, null, "*", cb));
      same(json(await ask((cb) => w.getAgentProfile(agent, "p", null, cb))), { a: 1 });
      const hash = ADL.XAPIWrapper.hash(JSON.stringify({ a: 1 }));
      await ask((cb) => w.deleteAgentProfile(agent, "p", hash, null, cb));
    }],
  ];
})();
