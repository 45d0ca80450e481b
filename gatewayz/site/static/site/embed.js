// Shows the stats of the person whose token stands behind the # of the address.
"use strict";

const element = (id) => document.getElementById(id);

function say(text) {
  element("state").textContent = text;
  element("state").hidden = text === "";
  element("stats").hidden = text !== "";
}

async function show() {
  let answer;
  try {
    answer = await fetch(document.querySelector("main").dataset.stats, {
      credentials: "omit",
      headers: { Authorization: `Bearer ${location.hash.slice(1)}` },
    });
  } catch {
    return say("The stats cannot be reached right now.");
  }
  if (!answer.ok) {
    return say(answer.status === 401 ? "This view has ended. Reload the page." : "Try again later.");
  }
  const stats = await answer.json();
  element("code").textContent = stats.referral_code;
  element("used").textContent = `${stats.total_uses} of ${stats.max_uses}`;
  element("earned").textContent = `$${stats.total_earned.toFixed(2)}`;
  say("");
}

// The site around it may put the next token there.
addEventListener("hashchange", show);
show();
