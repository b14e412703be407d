// cmi5.js: a course launched by `guantong credential launch`, from another origin: the
// token is fetched, LaunchData read, statements sent from the first to the last.
"use strict";
(function () {
  const { same, holds } = flow;
  const Cmi5 = window.Cmi5.default || window.Cmi5;
  const cmi5 = new Cmi5();
  const p = cmi5.getLaunchParameters();
  const verbs = ["initialized", "progressed", "answered", "passed", "completed", "terminated"];

  async function raw(path, more, token) {
    return fetch(p.endpoint.replace(/\/$/, "") + path, Object.assign({}, more, { headers: Object.assign({
      Authorization: "Basic " + (token || cmi5.getAuthToken()), "X-Experience-API-Version": "1.0.3",
      "Content-Type": "application/json" }, more && more.headers) }));
  }
  const q = (o) => "?" + new URLSearchParams(o);

  window.flows = [
    ["initialize: token, LaunchData, preferences, initialized", async () => {
      await cmi5.initialize();
      holds(cmi5.isAuthenticated, "a token");
    }],
    ["LaunchData", async () => {
      const d = cmi5.getLaunchData();
      same([d.launchMode, d.masteryScore, d.moveOn], ["Normal", 0.5, "CompletedAndPassed"]);
      same(d.contextTemplate.extensions["https://w3id.org/xapi/cmi5/context/extensions/sessionid"], where.session);
    }],
    ["progress", async () => { await cmi5.progress(50); }],
    ["an answer", async () => {
      await cmi5.interactionTrueFalse("t", "q", true, true, { en: "q" }, { en: "?" }, true, { start: new Date(), end: new Date() });
    }],
    ["pass", async () => { await cmi5.pass(0.75); }],
    ["complete", async () => { await cmi5.complete(); }],
    ["terminate", async () => { await cmi5.terminate(); }],
    ["its own statements are read, the learner's of this registration", async () => {
      const r = await (await raw("/statements" + q({ limit: 0 }))).json();
      const said = r.statements.map((s) => s.verb.id.split("/").pop()).reverse();
      same(said, verbs);
      holds(r.statements.every((s) => s.context.registration === p.registration), "the registration in each");
    }],
    ["the fetch URL is good once", async () => {
      const r = await fetch(p.fetch, { method: "POST" });
      same([r.status, (await r.json())["error-code"]], [200, "1"]);
    }],
    ["LaunchData is the node's own", async () => {
      const of = { activityId: p.activityId, agent: JSON.stringify(p.actor), registration: p.registration };
      same((await raw("/activities/state" + q({ ...of, stateId: "LMS.LaunchData" }), { method: "PUT", body: "{}" })).status, 403);
      same((await raw("/activities/state" + q({ ...of, stateId: "mine" }), { method: "PUT", body: "{}" })).status, 204);
    }],
    ["nobody else's", async () => {
      const other = JSON.stringify({ account: { homePage: "https://a.cn", name: "other" } });
      same((await raw("/agents/profile" + q({ agent: other, profileId: "x" }))).status, 403);
    }],
  ];
})();
