/**
 * Keeps the page for later visits without a network, and isolates it where the host's headers do not, so
 * that WebAssembly gets its threads. What has a digest in its address never changes; the rest is asked for
 * first and taken from the cache where there is no answer.
 */
const CACHE = "tuning-fork-1";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  const fixed = url.pathname.includes("/assets/") || /^\?[0-9a-f]{16}$/.test(url.search);
  event.respondWith(answer(request, fixed));
});

async function answer(request, fixed) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (fixed && kept) return kept;
  try {
    const response = isolated(await fetch(request));
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

function isolated(response) {
  if (response.status !== 200) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  return new Response(response.body, { status: 200, headers });
}
