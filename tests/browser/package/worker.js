importScripts("part.js");
onmessage = (e) => fetch("data.json").then((r) => r.json()).then((d) => postMessage(part + d.lesson));
