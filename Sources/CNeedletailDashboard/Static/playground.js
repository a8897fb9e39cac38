import { card, h, milliseconds, put, tag, wide } from "/dashboard/dom.js";
import { call, get, send } from "/dashboard/api.js";
import { decision } from "/dashboard/explain.js";

export async function playground(it) {
  const models = await get("/models", it).then((page) => page.data.map((one) => one.id ?? one.name)).catch(() => []);
  const names = h("datalist", { id: "models" }, models.map((name) => h("option", { value: name })));
  const model = h("input", { list: "models", value: models[0] ?? "", required: true, size: 32 });
  const system = h("textarea", { "aria-label": "System prompt", placeholder: "System prompt (optional)" });
  const prompt = h("textarea", { "aria-label": "Message", required: true, placeholder: "Say something" });
  const limit = h("input", { type: "number", min: "1", value: "512" });
  const answer = h("div", { class: "answer", "aria-live": "polite" });
  const told = h("div", {});
  const plan = h("div", {}, h("p", { class: "muted" }, "What the router would do is shown with the first message."));
  const go = h("button", { class: "main" }, "Send");
  let running = null;
  const messages = () => [...(system.value ? [{ role: "system", content: system.value }] : []), { role: "user", content: prompt.value }];

  async function explain(body) {
    try { put(plan, decision(await send("POST", "/explain", body, it))); } catch (error) { plan.replaceChildren(h("p", { class: "muted" }, error.message)); }
  }
  async function chat(event) {
    event.preventDefault();
    if (running) { running.abort(); return; }
    running = new AbortController();
    go.textContent = "Stop";
    answer.textContent = "";
    told.replaceChildren();
    const body = { model: model.value, max_tokens: Number(limit.value), stream: true, messages: messages() };
    explain(body);
    const begin = performance.now();
    let first = null;
    try {
      const reply = await call("POST", "/playground/chat", body, { signal: running.signal });
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        rest += value;
        const lines = rest.split("\n");
        rest = lines.pop();
        for (const line of lines) {
          if (!line.startsWith("data: ") || line === "data: [DONE]") continue;
          const data = JSON.parse(line.slice(6));
          if (data.error) throw new Error(data.error.message);
          const text = data.choices?.[0]?.delta?.content;
          if (text) { first ??= performance.now(); answer.textContent += text; }
        }
      }
      const header = (name) => reply.headers.get(name) ?? "–";
      told.replaceChildren(h("p", {}, tag(`${header("x-needletail-provider")} / ${header("x-needletail-model")}`), " ", tag(`${header("x-needletail-attempts")} calls`), " ",
        tag(`first token ${milliseconds(first && first - begin)}`), " ", tag(`all ${milliseconds(performance.now() - begin)}`)));
    } catch (error) {
      if (error.name !== "AbortError") { told.replaceChildren(h("p", { class: "notice bad", role: "alert" }, error.message)); }
    }
    running = null;
    go.textContent = "Send";
  }
  it.signal.addEventListener("abort", () => running?.abort());
  it.show(h("h1", {}, "Playground"), h("div", { class: "grid" },
    card("Ask", h("form", { onsubmit: chat }, names, h("div", { class: "row" }, h("label", {}, "Model", model), h("label", {}, "Output tokens at most", limit)), system, prompt, go)),
    card("Answer", answer, told), wide("How it is routed", plan)));
}
