// Keeps the page offline, and adds the headers that a static host can't. VERSION, FILES and HEADERS stand before this
// text where it is served: facial_emotion/web/site.py. Other caches of the same origin are other pages'.

const PREFIX = `facial-emotion ${self.registration.scope} `;
const NAME = PREFIX + VERSION;

async function keep() {
  const cache = await caches.open(NAME);
  await cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" })));
}

// A new version takes over when no tab has the old one open, so that no page gets files of two versions.
async function clear() {
  for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== NAME) await caches.delete(name);
  await self.clients.claim();
}

self.addEventListener("install", (event) => event.waitUntil(keep()));
self.addEventListener("activate", (event) => event.waitUntil(clear()));

self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== self.location.origin) return;
  event.respondWith((async () => {
    const kept = await (await caches.open(NAME)).match(event.request, { ignoreSearch: true });
    const response = kept ?? (await fetch(event.request));
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
    return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
  })());
});
