// The admin API. The key is kept for the tab only.
const slot = "needletail-admin-key";
export const key = {
  get: () => sessionStorage.getItem(slot) ?? "",
  set: (value) => value ? sessionStorage.setItem(slot, value) : sessionStorage.removeItem(slot),
};

export class APIError extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

export async function call(method, path, body, { signal, headers = {} } = {}) {
  const options = { method, signal, cache: "no-store", headers: { ...headers } };
  if (key.get()) options.headers.authorization = "Bearer " + key.get();
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let reply;
  try { reply = await fetch(path.startsWith("/health") ? path : "/admin/v1" + path, options); } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new APIError(0, "The gateway does not answer.");
  }
  // An unhealthy gateway says so with 503.
  if (!reply.ok && !(path.startsWith("/health") && reply.status === 503)) {
    let message = `${reply.status}`;
    try { message = (await reply.json()).error.message ?? message; } catch { /* not JSON */ }
    throw new APIError(reply.status, message);
  }
  return reply;
}

export async function get(path, options) { return (await call("GET", path, undefined, options)).json(); }

/// Reads server-sent events to their end, each by `take(name, data)`.
export async function events(path, { signal } = {}, take) {
  const reply = await call("GET", path, undefined, { signal, headers: { accept: "text/event-stream" } });
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split("\n").filter((line) => !line.startsWith(":"))
          .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
        if (fields.data) take(fields.event, JSON.parse(fields.data));
      }
    }
  } finally { await reader.cancel().catch(() => {}); }
}

/// All pages of a list, a thousand entries at most.
export async function list(path, options) {
  const data = [];
  let cursor;
  do {
    const page = await get(path + (path.includes("?") ? "&" : "?") + "limit=200" + (cursor ? "&cursor=" + cursor : ""), options);
    data.push(...page.data);
    cursor = page.next_cursor;
  } while (cursor && data.length < 1000);
  return data;
}

export async function send(method, path, body, options) {
  const text = await (await call(method, path, body, options)).text();
  return text ? JSON.parse(text) : {};
}
