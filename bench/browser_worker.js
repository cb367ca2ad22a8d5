// The sealing pipeline of static/js/sealing/worker.js; with `isPlain` its cipher copies instead of encrypting.
import { AES_256_GCM, ChunkedEncryptor } from "/static/js/sealing/chunked.js";
import { readKeyset } from "/static/js/sealing/keyset.js";
import { seal, sealedTotal } from "/static/js/sealing/seal.js";
import { SegmentUploader } from "/static/js/sealing/upload.js";

const COPYING = {
  ...AES_256_GCM,
  open: async () => ({
    seal: async (iv, chunk) => {
      const out = new Uint8Array(chunk.length + 16);
      out.set(chunk);
      return out;
    },
  }),
};

async function pipeline({ keysetBytes, keysetHash, binding, bidderKeys, parts, upload, isPlain, isSent }) {
  const keyset = await readKeyset(keysetBytes, keysetHash);
  const suite = isPlain
    ? { ...keyset.suite, encryptor: (key, context) => ChunkedEncryptor.create(key, context, COPYING) }
    : keyset.suite;
  const curve = { name: "ECDSA", namedCurve: "P-256" };
  const { privateKey } = await crypto.subtle.generateKey(curve, false, ["sign"]);
  const uploader = new SegmentUploader({ ...upload, totalBytes: sealedTotal(parts.map(({ content }) => content)) });
  const began = performance.now();
  const order = { binding, keyset: { ...keyset, suite }, bidderKeys, signingKey: privateKey, parts };
  await seal(order, isSent ? (segment) => uploader.offer(segment) : async () => {});
  if (isSent) await uploader.finish();
  return performance.now() - began;
}

// What WebCrypto itself can do on this machine: 1 MiB at a time, four in flight, nothing kept.
async function raw({ count }) {
  const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  const block = new Uint8Array(2 ** 20);
  const iv = new Uint8Array(12);
  let left = count;
  const lane = async () => {
    while (left-- > 0) await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, block);
  };
  const began = performance.now();
  await Promise.all([lane(), lane(), lane(), lane()]);
  return performance.now() - began;
}

addEventListener("message", async ({ data: { verb, order } }) => {
  try {
    postMessage({ milliseconds: await { pipeline, raw }[verb](order) });
  } catch (error) {
    postMessage({ failed: `${error.code ?? ""} ${error.stack ?? error}` });
  }
});
