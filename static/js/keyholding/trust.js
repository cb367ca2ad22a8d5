// @ts-check
/** Step 1 of a holder's page: whose signatures it believes. Pinned once, before anything else is possible. */

import { byId, say } from "../bids/page.js";
import { sha256, toHex, utf8 } from "../sealing/bytes.js";
import { demand } from "../sealing/errors.js";
import { readPolicy } from "./evidence.js";
import { pinnedPolicy, pinPolicy } from "./records.js";

/** @typedef {import("../verify/signed.js").Trust} Trust */

export class TrustStep {
  #seatId;
  #policyUrl;
  #onPinned;
  /** The text shown for pinning. */ #shown = "";

  /**
   * @param {string} seatId
   * @param {string} policyUrl what the centre states; trusting it is trusting the centre once
   * @param {(trust: Trust) => void} onPinned
   */
  constructor(seatId, policyUrl, onPinned) {
    this.#seatId = seatId;
    this.#policyUrl = policyUrl;
    this.#onPinned = onPinned;
  }

  /** @param {(error: unknown) => void} complain */
  async start(complain) {
    byId("policy-file").addEventListener("change", () => this.#fromFile().catch(complain));
    byId("policy-fetch").addEventListener("click", () => this.#fromCentre().catch(complain));
    byId("policy-pin").addEventListener("click", () => this.#pin().catch(complain));
    const text = await pinnedPolicy(this.#seatId);
    if (text) return this.#ready(text);
    show("missing");
    if (byId("policy-file").files.length > 0) await this.#fromFile().catch(complain); // chosen while the page loaded
  }

  async #fromFile() {
    const [file] = byId("policy-file").files;
    if (file) await this.#propose(await file.text());
  }

  async #fromCentre() {
    const response = await fetch(this.#policyUrl, { cache: "no-store" });
    demand(response.ok, "keyholding.policy_refused", { reason: String(response.status) });
    await this.#propose(await response.text());
  }

  /** @param {string} text */
  async #propose(text) {
    readPolicy(text);
    this.#shown = text;
    byId("policy-text").textContent = text;
    byId("policy-print").textContent = await fingerprint(text);
    byId("policy-proposed").hidden = false;
    byId("policy-compared").focus();
  }

  async #pin() {
    const isCompared = byId("policy-compared").checked;
    demand(isCompared && this.#shown !== "", "keyholding.policy_refused", {
      reason: say("请先与书面副本核对并勾选", "compare it with the paper copy and tick the box first"),
    });
    await pinPolicy(this.#seatId, this.#shown);
    await this.#ready(this.#shown);
  }

  /** @param {string} text */
  async #ready(text) {
    const trust = readPolicy(text);
    byId("trust-log").textContent = trust.logs.map((key) => key.name).join(" ");
    byId("trust-cosigners").textContent = [...trust.cosigners.keys()].join(" ");
    byId("trust-print").textContent = await fingerprint(text);
    show("pinned");
    const now = await fetch(this.#policyUrl, { cache: "no-store" }).then(
      (response) => (response.ok ? response.text() : text),
      () => text,
    );
    byId("trust-differs").hidden = now === text;
    this.#onPinned(trust);
  }
}

/** @param {string} state */
function show(state) {
  for (const element of document.querySelectorAll("[data-trust-when]")) {
    const block = /** @type {HTMLElement} */ (element);
    block.hidden = block.dataset.trustWhen !== state;
  }
}

/** @param {string} text */
async function fingerprint(text) {
  return (toHex(await sha256(utf8(text))).match(/.{1,4}/g) ?? []).join(" ");
}
