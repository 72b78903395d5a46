// A browser without a person: fetches the page, and goes where it sends on this computer. Its address is the last argument.
const answer = await fetch(process.argv.at(-1), { redirect: 'manual' });
const there = answer.headers.get('location');
if (there) await fetch(there);
