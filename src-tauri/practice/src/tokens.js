// Copies the new token; the field stays selected where the clipboard is not allowed.
const button = document.getElementById("copy-token");
const field = document.getElementById("new-token");
button?.addEventListener("click", async () => {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Press Ctrl+C";
  }
});
