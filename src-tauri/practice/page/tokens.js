// Copies the new token, keeps a reload from making another one, and lets tokens end on the page when they end.
const field = document.getElementById("new-token");
const copied = document.getElementById("copied");

if (field) {
  // A reload then asks for the page anew instead of sending the form again.
  history.replaceState(null, "", "/tokens");
  field.addEventListener("focus", () => field.select());
}

document.getElementById("copy-token")?.addEventListener("click", async () => {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    copied.textContent = "Copied.";
  } catch {
    copied.textContent = "The token is selected. Copy it with your keyboard.";
  }
});

setInterval(() => {
  for (const row of document.querySelectorAll('tr[data-state="active"]')) {
    const ends = row.querySelectorAll("time")[1];
    if (Date.parse(ends.dateTime) <= Date.now()) {
      row.dataset.state = "expired";
      row.querySelector(".state").textContent = "Expired";
      row.querySelector("form")?.remove();
    }
  }
}, 1000);
