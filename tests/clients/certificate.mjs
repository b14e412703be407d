// certificate.mjs MODULES: certificates as @digitalbazaar/vc sees them. Standard input is
// {genuine, altered, revoked, before, after}: three documents, and the list before and after
// the third was revoked. Nothing is asked of any network.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import path from "node:path";

const folder = process.argv[2];
const load = (name, file = "lib/index.js") => import(pathToFileURL(path.join(folder, "@digitalbazaar", name, file)).href);
const vc = await load("vc");
const { DataIntegrityProof } = await load("data-integrity");
const { createVerifyCryptosuite } = await load("eddsa-jcs-2022-cryptosuite");
const { checkStatus } = await load("vc-bitstring-status-list");
const contexts = await load("credentials-context");
const { genuine, altered, revoked, before, after } = JSON.parse(readFileSync(0, "utf8"));

let list = before;
// did:key is its own document
const didOf = (url) => {
  const [did, key] = url.split("#");
  const id = did + "#" + did.slice("did:key:".length);
  const method = { "@context": "https://w3id.org/security/multikey/v1", id, type: "Multikey", controller: did,
    publicKeyMultibase: did.slice("did:key:".length) };
  return key ? method : { "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"], id: did,
    assertionMethod: [id], verificationMethod: [method] };
};
const documentLoader = async (url) => {
  let document = contexts.contexts.get(url);
  if (url.startsWith("did:key:")) document = didOf(url);
  if (url === list.id) document = list;
  if (!document) throw new Error("not here: " + url);
  return { contextUrl: null, documentUrl: url, document, tag: "static" };
};
const suite = () => new DataIntegrityProof({ cryptosuite: createVerifyCryptosuite() });
const look = (credential) => vc.verifyCredential({ credential, suite: suite(), documentLoader,
  checkStatus: (o) => checkStatus({ ...o, verifyBitstringStatusListCredential: true }) });

async function flow(name, credential, which, good) {
  list = which;
  let result;
  try {
    result = await look(credential);
  } catch (error) {
    result = { verified: false, error };
  }
  // the library finds the bit; what it means is its caller's to say
  const standing = (result.statusResult && result.statusResult.results) || [];
  if (standing.some((r) => r.status)) result = { verified: false, error: "revoked" };
  const why = result.verified ? "" : JSON.stringify(result.error || result, (k, v) => (v instanceof Error ? String(v) +
    (v.errors ? " " + v.errors.map(String) : "") : v)).slice(0, 400);
  console.log(`${result.verified === good ? "ok" : "not ok"} ${name}${result.verified === good ? "" : ": " + why}`);
}

await flow("a certificate as it was issued", genuine, before, true);
await flow("one that was altered", altered, before, false);
await flow("one before it was revoked", revoked, before, true);
await flow("the same one after that", revoked, after, false);
await flow("another one, by the new list", genuine, after, true);
