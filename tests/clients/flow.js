// flow.js: flows, one after the other; each is a line "ok NAME" or "not ok NAME: why".
// In Node.js and in a browser.
"use strict";
(function (root) {
  const PATIENCE = 10000;

  function same(a, b) {
    const x = JSON.stringify(a), y = JSON.stringify(b);
    if (x !== y) throw new Error("is " + x + ", not " + y);
  }

  function holds(what, name) {
    if (!what) throw new Error(name + " does not hold");
  }

  function uuid() {
    return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) =>
      (+c ^ (Math.random() * 16) >> (+c / 4)).toString(16));
  }

  // What a client says went wrong, in one line.
  function why(e) {
    const r = e && e.response;
    const said = r ? r.status + " " + (r.data && typeof r.data === "object" ? JSON.stringify(r.data) : r.data) : "";
    return (said || (e && e.message) || String(e)).slice(0, 300);
  }

  function late(name) {
    return new Promise((_, no) => setTimeout(() => no(new Error("no answer to " + name)), PATIENCE).unref?.());
  }

  async function run(flows) {
    const lines = [];
    for (const [name, flow] of flows) {
      try {
        await Promise.race([flow(), late(name)]);
        lines.push("ok " + name);
      } catch (e) {
        lines.push("not ok " + name + ": " + why(e));
      }
    }
    return lines;
  }

  // The client refuses it: the status it tells.
  async function status(promise) {
    try {
      await promise;
    } catch (e) {
      return e.response ? e.response.status : e.message;
    }
    return "it was taken";
  }

  const all = { same, holds, uuid, run, status };
  if (typeof module === "object") module.exports = all;
  else root.flow = all;
})(this);
