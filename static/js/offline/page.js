// @ts-check
/**
 * The offline encryptor: lot file, keys, files, sealed archive. Nothing here speaks to a network, and the page's own
 * policy forbids it to whatever else might stand in it.
 */

import { utf8 } from "../sealing/bytes.js";
import { sealedSize } from "../sealing/chunked.js";
import { newBidId } from "../sealing/envelope.js";
import { parseStrict } from "../sealing/json.js";
import { readKeyset } from "../sealing/keyset.js";
import { paddedSize } from "../sealing/padding.js";
import { releaseWithPair } from "../sealing/release.js";
import { demandFits, seal } from "../sealing/seal.js";
import { openSink, TarWriter } from "./archive.js";
import { both, byId, bytesOf, Fault, note, onSubmit, say, sizeText, startLanguage } from "./dom.js";
import { readParts, showFields } from "./files.js";
import { KeysStep, pairOf } from "./keys.js";

/** @typedef {import("./keys.js").Keys} Keys */
/** @typedef {import("./files.js").ChosenPart} ChosenPart */

const MAX_LOT_BYTES = 256 * 1024;
const NAMES = ["lot_id", "tender", "lot", "stage", "bidder", "suite", "keyset", "keyset_hash"];
let isSealing = false;

async function takeLot() {
  const [file] = byId("lot-file").files;
  if (!file) throw new Fault("请选择 lot.json。", "Choose lot.json.");
  if (file.size > MAX_LOT_BYTES) throw notALot();
  /** @type {any} */ const lot = parseStrict(await bytesOf(file), MAX_LOT_BYTES, "sealing.keyset_malformed");
  if (!NAMES.every((name) => typeof lot[name] === "string") || !Array.isArray(lot.parts)) throw notALot();
  const keyset = await readKeyset(utf8(lot.keyset), lot.keyset_hash);
  if (keyset.tender !== lot.tender || keyset.lot !== lot.lot || keyset.suite.name !== lot.suite) throw notALot();
  showLot(lot, keyset);
  showFields(lot);
  new KeysStep(lot, (keys) => {
    byId("step-seal").hidden = false;
    onSubmit("seal-form", byId("seal-failure"), () => sealNow(lot, keyset, keys));
  }).start();
  byId("lot-form").hidden = true;
  byId("step-keys").hidden = byId("step-files").hidden = false;
}

function notALot() {
  return new Fault("这不是平台给出的 lot.json。", "This is not the lot.json of a platform.");
}

/**
 * @param {any} lot
 * @param {import("../sealing/keyset.js").Keyset} keyset
 */
function showLot(lot, keyset) {
  const deadline = lot.deadline_at ? new Date(Date.parse(lot.deadline_at) + 8 * 3600_000).toISOString() : "";
  const facts = /** @type {[string, string, string][]} */ ([
    ["标段编号", "Lot", lot.lot],
    ["投标人", "Bidder", lot.bidder_name ? `${lot.bidder_name} ${lot.bidder}` : lot.bidder],
    ["投标截止（北京时间）", "Deadline (Beijing time)", deadline.slice(0, 19).replace("T", " ") || "—"],
    ["算法", "Suite", keyset.suite.name],
    ["版本", "Version", String(lot.last ? lot.last.rev + 1 : 1)],
    ["密钥集摘要", "Hash of the key set", (lot.keyset_hash.match(/.{1,4}/g) ?? []).join(" ")],
  ]);
  const list = byId("lot-facts");
  list.replaceChildren();
  for (const [zh, en, value] of facts) {
    const [term, said] = [document.createElement("dt"), document.createElement("dd")];
    term.append(both(zh, en));
    said.textContent = value;
    list.append(term, said);
  }
  byId("lot-shown").hidden = false;
}

/**
 * @param {any} lot
 * @param {ChosenPart[]} parts
 * @param {Date} now
 * @returns {import("../sealing/envelope.js").Binding}
 */
function bindingOf(lot, parts, now) {
  const { suite, tender, stage, bidder, last } = lot;
  const named = parts.map(({ id, name }) => ({ id, name }));
  const bid = last?.bid ?? newBidId();
  const revision = { bid, rev: last ? last.rev + 1 : 1, prev: last?.envelope_hash ?? "-" };
  const of = { v: /** @type {1} */ (1), suite, tender, lot: lot.lot, stage, bidder };
  return { ...of, ...revision, keyset: lot.keyset_hash, parts: named, created: now.toISOString() };
}

/**
 * @param {any} lot
 * @param {import("../sealing/keyset.js").Keyset} keyset
 * @param {Keys} keys
 */
async function sealNow(lot, keyset, keys) {
  const parts = await readParts(lot);
  const total = demandFits(keyset.suite, parts.map(({ content }) => content));
  const now = new Date();
  const binding = bindingOf(lot, parts, now);
  const name = `bid-${lot.lot}-rev${binding.rev}.tar`;
  const sink = await openSink(name, total);
  if (sink === null) return;
  isSealing = true;
  byId("seal-progress").hidden = false;
  try {
    const sealed = await sealInto(new TarWriter(sink, now), { lot, keyset, keys, parts, binding });
    await rehearse(sealed, lot, binding, keys);
    showDone(name, sealed);
  } catch (error) {
    await sink.drop();
    throw error;
  } finally {
    isSealing = false;
  }
}

/**
 * @param {TarWriter} tar
 * @param {{ lot: any, keyset: import("../sealing/keyset.js").Keyset, keys: Keys, parts: ChosenPart[], binding: import("../sealing/envelope.js").Binding }} order
 * @returns {Promise<import("../sealing/seal.js").SealedBid>}
 */
async function sealInto(tar, { lot, keyset, keys, parts, binding }) {
  const sizes = new Map(parts.map(({ id, content }) => [id, sealedSize(paddedSize(content.size))]));
  const began = performance.now();
  const { privateKey: signingKey } = await pairOf(keys.signing);
  const sealed = await seal(
    { binding, keyset, bidderKeys: keys.openings.map((one) => one.public_key), signingKey, parts },
    async ({ part, index, bytes }) => {
      if (index === 0) await tar.begin(`parts/${part}.cob`, sizes.get(part) ?? 0);
      await tar.write(bytes);
    },
    ({ sealedBytes, totalBytes }) => showProgress(sealedBytes, totalBytes, performance.now() - began),
  );
  const { bid, rev } = binding;
  const about = { lot_id: lot.lot_id, lot: lot.lot, bid, rev, envelope_hash: sealed.envelopeHash };
  await tar.add("header.json", sealed.header);
  await tar.add("manifest.txt", sealed.manifest);
  await tar.add("signature.bin", sealed.signature);
  await tar.add("keyset.json", utf8(lot.keyset));
  await tar.add("bid.json", utf8(`${JSON.stringify(about)}\n`));
  await tar.finish();
  return sealed;
}

/**
 * Each opening key opens what was just sealed to it; a bid that cannot be opened must not be handed in.
 * @param {import("../sealing/seal.js").SealedBid} sealed
 * @param {any} lot
 * @param {import("../sealing/envelope.js").Binding} binding
 * @param {Keys} keys
 */
async function rehearse(sealed, { tender, lot, bidder, stage }, { bid, rev }, keys) {
  for (const file of keys.openings) {
    const expected = { tender, lot, bidder, stage, bid, rev, headerHash: sealed.headerHash };
    await releaseWithPair(sealed.header, await pairOf(file), expected);
  }
}

/**
 * @param {number} done
 * @param {number} total
 * @param {number} spentMs
 */
function showProgress(done, total, spentMs) {
  byId("progress-bar").value = done / total;
  const left = Math.ceil((spentMs * (total - done)) / done / 1000);
  const said = `${sizeText(done)} / ${sizeText(total)} · ${Math.floor((100 * done) / total)} %`;
  say(byId("progress-text"), `${said}，约剩 ${left} 秒`, `${said}, about ${left} s left`);
}

/**
 * @param {string} name
 * @param {import("../sealing/seal.js").SealedBid} sealed
 */
function showDone(name, sealed) {
  byId("done-note").replaceChildren(
    note(
      "ok",
      both("已封好，还没有递交", "Sealed, not yet handed in"),
      both("您的密钥已在本页打开过这份密文的信封。", "Your key has opened the envelope of this ciphertext on this page."),
    ),
  );
  byId("done-file").textContent = name;
  byId("done-hash").textContent = sealed.envelopeHash;
  byId("seal-done").hidden = false;
  byId("seal-done").focus();
}

startLanguage();
onSubmit("lot-form", byId("lot-failure"), takeLot);
addEventListener("beforeunload", (event) => {
  if (isSealing) event.preventDefault();
});
