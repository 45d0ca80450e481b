/** What `index.html` does: shows a person's code and stats, and says whether a code is valid. */

import {
  type Api,
  connect,
  getReferralCode,
  getReferralStats,
  type ReferralStats,
  validateReferralCode,
} from "./client.js";

const form = element<HTMLFormElement>("connection");
const question = element<HTMLFormElement>("question");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void report(show(connection()));
});
question.addEventListener("submit", (event) => {
  event.preventDefault();
  void report(answer(connection(), value(question, "code")));
});

async function show(api: Api): Promise<void> {
  const data = await getReferralCode(api);
  write("code", data.referral_code);
  write("link", data.invite_link);
  showStats(await getReferralStats(api));
}

function showStats(stats: ReferralStats): void {
  write("used", `${stats.total_uses} / ${stats.max_uses}`);
  write("earned", dollars(stats.total_earned));
  // As text, never as HTML: people choose their names.
  const lines = stats.referrals.map((referral) => {
    const line = document.createElement("li");
    line.textContent = `${referral.username} - ${dollars(referral.bonus_earned)}`;
    return line;
  });
  element("referrals").replaceChildren(...lines);
}

async function answer(api: Api, code: string): Promise<void> {
  write("answer", (await validateReferralCode(api, code)) ? "valid" : "not valid");
}

async function report(work: Promise<void>): Promise<void> {
  write("trouble", "");
  try {
    await work;
  } catch (error) {
    write("trouble", error instanceof Error ? error.message : String(error));
  }
}

function connection(): Api {
  return connect(value(form, "address"), value(form, "token"));
}

function value(of: HTMLFormElement, name: string): string {
  return String(new FormData(of).get(name));
}

function dollars(amount: number): string {
  return `$${amount.toFixed(2)}`;
}

function write(id: string, text: string): void {
  element(id).textContent = text;
}

function element<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`There is no element ${id}`);
  return found as T;
}
