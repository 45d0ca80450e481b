// Groups the card number and the date as they are typed, and keeps a payer from paying twice.
"use strict";

const BRANDS = [
  { name: "Visa", start: /^4/, groups: [4, 4, 4, 4], cvc: 3 },
  { name: "Mastercard", start: /^(5[1-5]|2[2-7])/, groups: [4, 4, 4, 4], cvc: 3 },
  { name: "Amex", start: /^3[47]/, groups: [4, 6, 5], cvc: 4 },
];
const UNKNOWN = { name: "", groups: [4, 4, 4, 4, 3], cvc: 4 };

function digitsOf(text, most) {
  return text.replace(/\D/g, "").slice(0, most);
}

function grouped(digits, groups) {
  let at = 0;
  const parts = groups.map((size) => digits.slice(at, (at += size)));
  return parts.filter((part) => part).join(" ");
}

function datePart(digits) {
  const padded = /^[2-9]/.test(digits) ? "0" + digits : digits;
  return padded.length > 2 ? padded.slice(0, 2) + " / " + padded.slice(2, 4) : padded;
}

// Rewrites a field that is typed at its end; elsewhere the caret would jump.
function rewrite(input, write) {
  if (input.selectionStart === input.value.length) input.value = write(input.value);
}

function brandOf(digits) {
  return BRANDS.find((brand) => brand.start.test(digits)) || UNKNOWN;
}

function watchCard(number, cvc, label) {
  number.addEventListener("input", () => {
    const brand = brandOf(digitsOf(number.value, 19));
    const longest = brand.groups.reduce((sum, size) => sum + size, 0);
    rewrite(number, (text) => grouped(digitsOf(text, longest), brand.groups));
    cvc.maxLength = brand.cvc;
    label.textContent = brand.name;
  });
  cvc.addEventListener("input", () => rewrite(cvc, (text) => digitsOf(text, cvc.maxLength)));
}

function watchExpiry(expiry) {
  let before = expiry.value;
  expiry.addEventListener("input", () => {
    const isErasing = expiry.value.length < before.length;
    if (!isErasing) rewrite(expiry, (text) => datePart(digitsOf(text.replace(/(\d{1,2})\s*\/\s*20(\d\d)/, "$1$2"), 4)));
    before = expiry.value;
  });
}

function watchSubmit(form, button) {
  const label = button.textContent;
  form.addEventListener("submit", () => {
    button.disabled = true;
    button.textContent = "Processing…";
  });
  // The page comes back from the browser's cache as it was left.
  window.addEventListener("pageshow", () => {
    button.disabled = false;
    button.textContent = label;
  });
}

const form = document.querySelector("[data-pay-form]");
const cardNumber = form.querySelector("#card_number");
if (cardNumber) {
  watchCard(cardNumber, form.querySelector("#card_cvc"), form.querySelector("[data-brand]"));
  watchExpiry(form.querySelector("#card_expiry"));
}
watchSubmit(form, form.querySelector("[data-pay-button]"));
const wrong = form.querySelector("[aria-invalid]");
if (wrong) wrong.focus();
