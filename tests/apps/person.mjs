// A browser with a person in it, who knows what to click: `person.mjs allow|refuse ADDRESS`. A page that asks is answered as a
// browser would send its form; where a service sends on at once, so it goes.
const [decision, page] = process.argv.slice(2);
let answer = await fetch(page, { redirect: 'manual' });
if (answer.ok) {
  const html = await answer.text();
  const ticket = html.match(/name="ticket" value="([^"]+)"/)[1];
  const headers = { origin: new URL(page).origin, 'sec-fetch-site': 'same-origin' };
  const body = new URLSearchParams({ ticket, decision });
  answer = await fetch(new URL('/authorize', page), { method: 'POST', body, headers, redirect: 'manual' });
}
await fetch(answer.headers.get('location'));
