// @ts-check
/**
 * A draw redone on this device from what was fixed before it: frozen list, the bids' own random halves, the announced
 * beacon, the values of the tender document. The published transcript is only compared with, never believed.
 */

import { h } from "../sealing/notes.js";
import { status } from "./dom.js";
import { replay } from "./replay.js";
import { say } from "./words.js";

/**
 * @typedef {import("./replay.js").Draw & { name?: string }} Draw
 *
 * @typedef {object} Inputs what `/rooms/<lot>/draws` gives
 * @property {Record<string, string>} draw_ids
 * @property {Record<string, string>} contributions
 * @property {boolean} is_beacon_announced
 * @property {{ chain: string, round: number, signature: string } | null} beacon
 * @property {{ bid: string, rev: number, leaf_index: number, envelope_hash: string }[]} frozen
 * @property {Draw[]} draws
 *
 * @typedef {object} Step one thing that was redone; `code` names it, `isGood` says whether it agrees
 * @property {"id" | "frozen" | "contributions" | "beacon" | "seed"} code
 * @property {boolean} isGood
 *
 * @typedef {object} Recheck
 * @property {boolean} isEqual everything agrees and the same value is drawn
 * @property {Step[]} steps
 * @property {import("./replay.js").Replay} drawn
 */

/** @param {string[]} lines @param {string} word */
const after = (lines, word) => lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));

/** @param {Inputs} inputs */
const frozenHash = ({ frozen }) =>
  h(...frozen.map((one) => `${one.bid} ${one.rev} ${one.leaf_index} ${one.envelope_hash}`).sort());

/**
 * Redo one draw. A bid whose half the platform does not publish must still have contributed, exactly once.
 * @param {Draw} draw
 * @param {Inputs} inputs
 * @returns {Promise<Recheck>}
 */
export async function recheck(draw, inputs) {
  const drawn = await replay(draw);
  const lines = draw.transcript.replace(/\n$/, "").split("\n");
  const contributed = after(lines, "contribution").map((line) => line.split(" "));
  const bids = inputs.frozen.map((one) => one.bid).sort();
  const beacon = inputs.beacon ? [`drand ${inputs.beacon.chain} ${inputs.beacon.round} ${inputs.beacon.signature}`] : [];
  const isAnnounced = inputs.is_beacon_announced === (inputs.beacon !== null);
  /** @type {Step[]} */
  const steps = [
    { code: "id", isGood: same(after(lines, "draw"), [inputs.draw_ids[draw.name ?? ""] ?? ""]) },
    { code: "frozen", isGood: same(after(lines, "freeze"), [await frozenHash(inputs)]) },
    {
      code: "contributions",
      isGood:
        same(contributed.map(([bid]) => bid), bids) &&
        contributed.every(([bid, value]) => (inputs.contributions[bid] ?? value) === value),
    },
    { code: "beacon", isGood: isAnnounced && same(after(lines, "beacon"), beacon) },
    { code: "seed", isGood: drawn.isEqual },
  ];
  return { isEqual: steps.every((step) => step.isGood), steps, drawn };
}

/** @param {string[]} a @param {string[]} b */
const same = (a, b) => a.length === b.length && a.every((one, index) => one === b[index]);

/** What each step says, in the reader's language. @param {Step["code"]} code @param {Inputs} inputs @param {Recheck} found */
function wordsOf(code, inputs, { drawn }) {
  const count = inputs.frozen.length;
  return {
    id: say("抽取编号属于本标段和这个系数，别处的结果不能拿来用", "The draw names this lot and this coefficient; no other result can stand in"),
    frozen: say(`封存清单 ${count} 份投标逐行重算，哈希与抽取记录一致`, `The frozen list of ${count} bids, hashed again line by line, is the one in the transcript`),
    contributions: say(`${drawn.contributions} 份投标的随机数都在里面，各一次，与启封得到的一致`, `The random halves of ${drawn.contributions} bids are in it, once each, as the gate gave them back`),
    beacon: inputs.beacon
      ? say(`公共随机数是公告约定的 drand 第 ${inputs.beacon.round} 轮`, `The beacon is the announced one: drand round ${inputs.beacon.round}`)
      : say("公告没有约定公共随机数，抽取也没有使用", "The notice announced no beacon, and none was used"),
    seed: say(`由以上各项算出种子，${drawn.tickets.length} 个备选值各得一个号，最小的是 ${drawn.value}`, `They give the seed; each of ${drawn.tickets.length} values gets a ticket, and the smallest is ${drawn.value}`),
  }[code];
}

/** @param {Inputs} inputs @param {Recheck} found */
function listOf(inputs, found) {
  const list = document.createElement("ol");
  list.className = "stack sm";
  for (const step of found.steps) {
    const item = document.createElement("li");
    item.append(status(step.isGood ? "ok" : "bad", (step.isGood ? "" : say("不符：", "Not so: ")) + wordsOf(step.code, inputs, found)));
    list.append(item);
  }
  const tickets = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = say("各备选值的号（从小到大，第一个抽中）", "The tickets (smallest first; the first one is drawn)");
  const table = document.createElement("pre");
  table.className = "code room-transcript";
  table.tabIndex = 0;
  table.textContent = found.drawn.tickets.map((one) => `${one.ticket}  ${one.value}`).join("\n");
  tickets.append(summary, table);
  return [list, tickets];
}

/**
 * Redo the draw whose button was pressed and say so, green or red, with every step.
 * @param {HTMLElement} button
 * @param {string} lot
 */
export async function recheckHere(button, lot) {
  const box = button.closest("[data-draw]");
  const place = box?.querySelector("[data-replayed]");
  if (!(box instanceof HTMLElement) || !place) return;
  const draw = JSON.parse(box.dataset.draw ?? "{}");
  const how = box.querySelector("[data-draw-steps]");
  try {
    const answer = await fetch(`/rooms/${lot}/draws`, { headers: { Accept: "application/json" }, cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    /** @type {Inputs} */
    const inputs = await answer.json();
    const found = await recheck(draw, inputs);
    const { drawn } = found;
    const text = found.isEqual
      ? say(`重算一致：${drawn.tickets.length} 个备选值中抽中 ${drawn.value}，${drawn.contributions} 家贡献随机数`, `Same result: ${drawn.value} of ${drawn.tickets.length} values, seeded by ${drawn.contributions} bids`)
      : say(`重算不一致：本机得到 ${drawn.value}，公布的是 ${draw.value}。请截图并联系监督人。`, `Different result: this device draws ${drawn.value}, published was ${draw.value}. Keep a picture and call the supervisor.`);
    place.replaceChildren(status(found.isEqual ? "ok" : "bad", text));
    how?.replaceChildren(...listOf(inputs, found));
  } catch {
    place.replaceChildren(status("warn", say("没有取到抽取的输入，请稍后再试。", "The inputs of the draw could not be fetched; try again later.")));
  }
}
