// xapi.js ENDPOINT NAME SECRET: what @xapi/xapi can do, in Node.js.
"use strict";
const { same, holds, uuid, run, status } = require("./flow.js");
const loaded = require("@xapi/xapi");
const XAPI = loaded.default || loaded;
const [endpoint, name, secret] = process.argv.slice(2);

const auth = XAPI.toBasicAuth(name, secret);
const xapi = new XAPI({ endpoint, auth });
const agent = { objectType: "Agent", name: "甲", mbox: "mailto:" + uuid() + "@example.cn" };
const activityId = "https://courses.example.cn/" + uuid();
const verb = { id: "http://adlnet.gov/expapi/verbs/experienced", display: { "en-US": "experienced" } };
const object = { objectType: "Activity", id: activityId, definition: { name: { "zh-CN": "第一课" } } };
const statement = (more) => Object.assign({ actor: agent, verb, object }, more);
const state = (id, more) => Object.assign({ agent, activityId, stateId: id }, more);
const registration = uuid();
const text = (s) => new TextEncoder().encode(s).buffer;

async function send(more) {
  const s = statement(Object.assign({ id: uuid() }, more));
  await xapi.sendStatement({ statement: s });
  return s;
}

async function withFile() {
  const content = text("hello 你好\r\n--x--");
  const hash = require("node:crypto").createHash("sha256").update(Buffer.from(content)).digest("hex");
  const s = statement({
    id: uuid(),
    attachments: [{ usageType: XAPI.AttachmentUsages.SUPPORTING_MEDIA, display: { "en-US": "t" },
      contentType: "text/plain; charset=utf-8", length: content.byteLength, sha2: hash }],
  });
  const r = await xapi.sendStatement({ statement: s, attachments: [content] });
  return [s, r];
}

// profiles need a match since 1.0.3: what is there, or that nothing is
const profiles = {
  agent: (id) => ({ agent, profileId: id }),
  activity: (id) => ({ activityId, profileId: id }),
};

function document(kind, call) {
  const key = profiles[kind], Name = kind === "agent" ? "AgentProfile" : "ActivityProfile";
  const one = (id) => xapi["get" + Name](key(id));
  return [
    [`${kind} profile: create`, async () => {
      await xapi["create" + Name]({ ...key("a"), profile: { x: 1 } });
      same((await one("a")).data, { x: 1 });
    }],
    [`${kind} profile: create merges`, async () => {
      await xapi["create" + Name]({ ...key("a"), profile: { y: 2 } });
      same((await one("a")).data, { x: 1, y: 2 });
    }],
    [`${kind} profile: set over what was read`, async () => {
      const etag = (await one("a")).headers.etag;
      await xapi["set" + Name]({ ...key("a"), profile: { z: 3 }, etag, matchHeader: "If-Match" });
      same((await one("a")).data, { z: 3 });
      same(await status(xapi["set" + Name]({ ...key("a"), profile: {}, etag, matchHeader: "If-Match" })), 412);
    }],
    [`${kind} profile: set where nothing is`, async () => {
      await xapi["set" + Name]({ ...key("b"), profile: { b: 1 }, etag: "*", matchHeader: "If-None-Match" });
      same(await status(xapi["set" + Name]({ ...key("b"), profile: {}, etag: "*", matchHeader: "If-None-Match" })), 412);
    }],
    [`${kind} profile: list`, async () => {
      same((await xapi["get" + Name + "s"](key())).data.sort(), ["a", "b"]);
      same((await xapi["get" + Name + "s"]({ ...key(), since: new Date(Date.now() + 3600000).toISOString() })).data, []);
    }],
    [`${kind} profile: delete`, async () => {
      const etag = (await one("a")).headers.etag;
      await xapi["delete" + Name]({ ...key("a"), etag });
      same(await status(one("a")), 404);
    }],
  ];
}

const flows = [
  ["about, without a credential", async () => {
    const about = (await new XAPI({ endpoint }).getAbout()).data;
    holds(about.version.includes("1.0.3"), "1.0.3 among its versions");
  }],
  ["statement: send", async () => { await send(); }],
  ["statement: send several", async () => {
    const ids = (await xapi.sendStatements({ statements: [statement(), statement()] })).data;
    same(ids.length, 2);
  }],
  ["statement: get by id", async () => {
    const s = await send();
    same((await xapi.getStatement({ statementId: s.id })).data.id, s.id);
  }],
  ["statement: sent twice is the same, another is refused", async () => {
    const s = await send();
    await xapi.sendStatement({ statement: s });
    same(await status(xapi.sendStatement({ statement: { ...s, verb: { id: "https://a.cn/other" } } })), 409);
  }],
  ["statement: refused where it is none", async () => {
    same(await status(xapi.sendStatement({ statement: { actor: agent } })), 400);
  }],
  ["statements: list", async () => {
    holds((await xapi.getStatements()).data.statements.length > 0, "some");
  }],
  ["statements: by agent", async () => {
    const found = (await xapi.getStatements({ agent })).data.statements;
    holds(found.length > 0 && found.every((s) => s.actor.mbox === agent.mbox), "his alone");
  }],
  ["statements: by verb", async () => {
    const id = "https://verbs.example.cn/" + uuid(), s = await send({ verb: { id } });
    same((await xapi.getStatements({ verb: id })).data.statements.map((x) => x.id), [s.id]);
  }],
  ["statements: by activity and registration", async () => {
    const s = await send({ context: { registration } });
    same((await xapi.getStatements({ activity: activityId, registration })).data.statements.map((x) => x.id), [s.id]);
  }],
  ["statements: limit, more", async () => {
    const first = (await xapi.getStatements({ limit: 1, ascending: true })).data;
    same(first.statements.length, 1);
    const next = (await xapi.getMoreStatements({ more: first.more })).data;
    same(next.statements.length, 1);
    holds(next.statements[0].id !== first.statements[0].id, "another");
  }],
  ["statements: since", async () => {
    const s = await send(), stored = (await xapi.getStatement({ statementId: s.id })).data.stored, t = await send();
    same((await xapi.getStatements({ since: stored })).data.statements.map((x) => x.id), [t.id]);
  }],
  ["statement: void, and what was voided", async () => {
    const s = await send();
    await xapi.voidStatement({ actor: agent, statementId: s.id });
    same(await status(xapi.getStatement({ statementId: s.id })), 404);
    same((await xapi.getVoidedStatement({ voidedStatementId: s.id })).data.id, s.id);
  }],
  ["statements: void several", async () => {
    const a = await send(), b = await send();
    await xapi.voidStatements({ actor: agent, statementIds: [a.id, b.id] });
    same(await status(xapi.getStatement({ statementId: b.id })), 404);
  }],
  ["attachment: send", async () => { await withFile(); }],
  ["attachment: get back, byte for byte", async () => {
    const [s] = await withFile();
    const parts = (await xapi.getStatement({ statementId: s.id, attachments: true })).data;
    same(parts[0].id, s.id);
    holds(parts[1] !== undefined, "the attachment");
  }],
  ["activity: what was said of it", async () => {
    const a = (await xapi.getActivity({ activityId })).data;
    same([a.id, a.definition.name["zh-CN"]], [activityId, "第一课"]);
  }],
  ["agent: the person", async () => {
    const p = (await xapi.getAgent({ agent })).data;
    same([p.objectType, p.mbox], ["Person", [agent.mbox]]);
  }],
  ["state: create", async () => {
    await xapi.createState(state("s", { state: { at: 3 } }));
    same((await xapi.getState(state("s"))).data, { at: 3 });
  }],
  ["state: create merges", async () => {
    await xapi.createState(state("s", { state: { of: 9 } }));
    same((await xapi.getState(state("s"))).data, { at: 3, of: 9 });
  }],
  ["state: set", async () => {
    await xapi.setState(state("s", { state: { at: 4 } }));
    same((await xapi.getState(state("s"))).data, { at: 4 });
  }],
  ["state: set, of another type", async () => {
    await xapi.setState(state("t", { state: "第四页", contentType: "text/plain; charset=utf-8" }));
    same((await xapi.getState(state("t"))).data, "第四页");
  }],
  ["state: list, and of a registration", async () => {
    await xapi.setState(state("r", { state: {}, registration }));
    same((await xapi.getStates({ agent, activityId, registration })).data, ["r"]);
    holds((await xapi.getStates({ agent, activityId })).data.includes("s"), "s among them");
  }],
  ["state: delete one, delete all", async () => {
    await xapi.deleteState(state("s"));
    same(await status(xapi.getState(state("s"))), 404);
    await xapi.deleteStates({ agent, activityId });
    same((await xapi.getStates({ agent, activityId })).data, []);
  }],
  ...document("agent"),
  ...document("activity"),
];

if (flows.length !== 36) throw new Error("there are " + flows.length);
run(flows).then((lines) => console.log(lines.join("\n")));
