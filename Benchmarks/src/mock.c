// Mock LLM upstream: one thread, epoll. OpenAI chat completions and Anthropic messages, streaming or not.
//   mock PORT
// Settings are changed at run time: GET /_ctl?body=1024&lat=0&chunks=200&delay=0&pad=0&tick=0
//   body   bytes of the non-stream answer's JSON (at least ~300)
//   lat    microseconds before a non-stream answer, and before the first chunk of a stream
//   chunks content chunks of a stream     delay  microseconds between them (0: as fast as the socket takes them)
//   tick   microseconds to which the sending of delayed chunks is rounded up: waking for each of 50,000 chunks a second
//          takes more of the core than sending them. 0: each at its own time
//   rt     1: real-time priority (for timed streams)
//   pad    extra bytes of text in each streamed chunk
// Every streamed chunk carries "t=<monotonic ns>" in its text so that the load generator can tell the added latency.
// GET /_stats gives counts since the last /_ctl, and under `total` what was served since the start.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { OPENAI = 0, ANTHROPIC = 1 };
typedef struct {
  int fd, api, stream, active, closing, inring, want_out;
  char *in; size_t in_len, in_cap, scan;
  char *out; size_t out_len, out_off, out_cap;
  int sent; int heap; uint64_t due;
  size_t hdr_end; long clen; int chunked;
  int gen;
} conn_t;

static conn_t *C[70000];
static long T_done, T_in, T_out; // since the start: replies sent whole, and the usage that they told
static int ep;
static long P_body = 1024, P_lat = 0, P_chunks = 200, P_delay = 0, P_pad = 0, P_tick = 0;
static long S_req, S_stream, S_chunks, S_accept, S_bytes_in, S_aborted;
static char *resp[2]; static size_t resp_len[2];
static char padbuf[65536];

static uint64_t now_ns(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1000000000ull + t.tv_nsec; }

// ---- heap of timers
static conn_t **H; static int hn, hcap;
static void hset(int i, conn_t *c) { H[i] = c; c->heap = i; }
static void hup(int i) { conn_t *c = H[i]; while (i > 0 && H[(i - 1) / 2]->due > c->due) { hset(i, H[(i - 1) / 2]); i = (i - 1) / 2; } hset(i, c); }
static void hdown(int i) { conn_t *c = H[i]; for (;;) { int k = 2 * i + 1; if (k >= hn) break; if (k + 1 < hn && H[k + 1]->due < H[k]->due) k++; if (H[k]->due >= c->due) break; hset(i, H[k]); i = k; } hset(i, c); }
static void hpush(conn_t *c) { if (hn == hcap) { hcap = hcap ? hcap * 2 : 1024; H = realloc(H, hcap * sizeof *H); } H[hn++] = c; c->heap = hn - 1; hup(hn - 1); }
static void hdel(conn_t *c) { if (c->heap < 0) return; int i = c->heap; c->heap = -1; hn--; if (i < hn) { conn_t *l = H[hn]; hset(i, l); hup(i); hdown(l->heap); } }

// ---- ring of streams that send as fast as they can
static conn_t *R[70000]; static int rn;
static void radd(conn_t *c) { if (c->inring >= 0) return; c->inring = rn; R[rn++] = c; }
static void rdel(conn_t *c) { if (c->inring < 0) return; int i = c->inring; c->inring = -1; rn--; if (i < rn) { R[i] = R[rn]; R[i]->inring = i; } }

static void build(void) {
  const char *pre[2] = {
    "{\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"mock-model-upstream\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"",
    "{\"id\":\"msg_mock\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-mock\",\"content\":[{\"type\":\"text\",\"text\":\"" };
  const char *post[2] = {
    "\"},\"finish_reason\":\"stop\",\"logprobs\":null}],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":34,\"total_tokens\":46}}",
    "\"}],\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":12,\"output_tokens\":34}}" };
  for (int a = 0; a < 2; a++) {
    long fill = P_body - (long)strlen(pre[a]) - (long)strlen(post[a]); if (fill < 1) fill = 1;
    size_t bl = strlen(pre[a]) + fill + strlen(post[a]);
    free(resp[a]); resp[a] = malloc(bl + 512);
    int n = sprintf(resp[a], "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: req_mock\r\ncontent-length: %zu\r\n\r\n", bl);
    char *p = resp[a] + n; memcpy(p, pre[a], strlen(pre[a])); p += strlen(pre[a]);
    for (long i = 0; i < fill; i++) p[i] = "the quick brown fox jumps "[i % 26];
    p += fill; memcpy(p, post[a], strlen(post[a])); p += strlen(post[a]);
    resp_len[a] = p - resp[a];
  }
}

static void dead(conn_t *c) {
  if (c->active) S_aborted++;
  hdel(c); rdel(c);
  close(c->fd); C[c->fd] = 0; free(c->in); free(c->out); free(c);
}
static void arm(conn_t *c, int out) {
  if (c->want_out == out) return; c->want_out = out;
  struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | (out ? EPOLLOUT : 0), .data.fd = c->fd };
  epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
}
// returns 0 all sent, 1 some left, -1 dead
static int put(conn_t *c, const char *p, size_t n) {
  if (c->out_len == c->out_off) {
    ssize_t w = send(c->fd, p, n, MSG_NOSIGNAL);
    if (w < 0) { if (errno != EAGAIN) { dead(c); return -1; } w = 0; }
    if ((size_t)w == n) return 0;
    p += w; n -= w; c->out_len = c->out_off = 0;
  }
  if (c->out_len + n > c->out_cap) { c->out_cap = (c->out_len + n) * 2; c->out = realloc(c->out, c->out_cap); }
  memcpy(c->out + c->out_len, p, n); c->out_len += n;
  arm(c, 1);
  return 1;
}

static int whole(conn_t *c) { T_done++; T_in += 12; T_out += 34; return put(c, resp[c->api], resp_len[c->api]); }

static size_t chunk(char *o, const char *data, size_t n) { // HTTP chunk framing
  int k = sprintf(o, "%zx\r\n", n); memcpy(o + k, data, n); memcpy(o + k + n, "\r\n", 2); return k + n + 2;
}
static size_t event(conn_t *c, char *o) { // the next piece of a stream; c->sent counts
  static char d[70000]; size_t n; int i = c->sent;
  if (c->api == OPENAI) {
    const char *h = "data: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mock-model-upstream\",\"choices\":[{\"index\":0,\"delta\":";
    if (i >= P_chunks) T_done++, T_in += 12, T_out += P_chunks;
    if (i < P_chunks) n = sprintf(d, "%s{%s\"content\":\"t=%llu %.*s\"},\"finish_reason\":null}]}\n\n", h, i ? "" : "\"role\":\"assistant\",", (unsigned long long)now_ns(), (int)P_pad, padbuf);
    else n = sprintf(d, "%s{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"chatcmpl-mock\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"mock-model-upstream\",\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":%ld,\"total_tokens\":%ld}}\n\ndata: [DONE]\n\n", h, P_chunks, P_chunks + 12);
  } else {
    size_t pre = 0;
    if (i == 0) pre = sprintf(d, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_mock\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-mock\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n");
    if (i >= P_chunks) T_done++, T_in += 12, T_out += P_chunks;
    if (i < P_chunks) n = pre + sprintf(d + pre, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"t=%llu %.*s\"}}\n\n", (unsigned long long)now_ns(), (int)P_pad, padbuf);
    else n = pre + sprintf(d + pre, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":%ld}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", P_chunks);
  }
  return chunk(o, d, n);
}
static int process(conn_t *c);
static void finish(conn_t *c) {
  c->active = 0;
  if (c->closing) { if (c->out_len == c->out_off) { dead(c); } return; }
  while (!c->active) { int r = process(c); if (r <= 0) return; }
}
// send the next piece of the stream; 1 when the stream is over (conn may be dead after)
static void step(conn_t *c) {
  static char o[80000];
  if (c->sent == -1) { // headers
    c->sent = 0;
    static const char h[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n";
    memcpy(o, h, sizeof h - 1); size_t n = sizeof h - 1; n += event(c, o + n); c->sent++; S_chunks++;
    if (put(c, o, n) < 0) return;
  } else {
    size_t n = event(c, o); int last = c->sent >= P_chunks; c->sent++; S_chunks++;
    if (last) { memcpy(o + n, "0\r\n\r\n", 5); n += 5; }
    if (put(c, o, n) < 0) return;
    if (last) { rdel(c); finish(c); return; }
  }
  if (P_delay) { // a stream of earlier settings may still be in the ring
    rdel(c); hdel(c);
    c->due += P_delay * 1000; uint64_t t = now_ns(); if (c->due + 1000000000ull < t) c->due = t; hpush(c); }
  else if (c->want_out) rdel(c); else radd(c);
}
static void fire(conn_t *c) { // timer
  if (c->stream) { step(c); return; }
  if (whole(c) < 0) return;
  finish(c);
}
static long arg(const char *q, const char *k, long d) { const char *p = strstr(q, k); return p ? atol(p + strlen(k)) : d; }
static int simple(conn_t *c, const char *json) {
  static char b[8192]; int n = sprintf(b, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n%s", strlen(json), json);
  return put(c, b, n);
}
static void consume(conn_t *c, size_t n) { memmove(c->in, c->in + n, c->in_len - n); c->in_len -= n; c->scan = 0; c->hdr_end = 0; }

// handle one request out of c->in. 1: one was started or answered; 0: need more bytes; -1 dead
static int process(conn_t *c) {
  if (!c->hdr_end) {
    size_t from = c->scan > 3 ? c->scan - 3 : 0;
    if (c->in_len < 4) return 0;
    char *e = memmem(c->in + from, c->in_len - from, "\r\n\r\n", 4);
    c->scan = c->in_len;
    if (!e) return 0;
    c->hdr_end = e - c->in + 4; c->clen = 0; c->chunked = 0;
    *e = 0;
    for (char *l = strstr(c->in, "\r\n"); l; l = strstr(l + 2, "\r\n")) {
      if (!strncasecmp(l + 2, "content-length:", 15)) c->clen = atol(l + 17);
      else if (!strncasecmp(l + 2, "transfer-encoding:", 18) && strcasestr(l, "chunked")) c->chunked = 1;
      else if (!strncasecmp(l + 2, "connection:", 11)) { char *v = l + 13; while (*v == ' ') v++; if (!strncasecmp(v, "close", 5)) c->closing = 1; }
      else if (!strncasecmp(l + 2, "expect:", 7)) { if (put(c, "HTTP/1.1 100 Continue\r\n\r\n", 25) < 0) return -1; }
    }
    *e = '\r';
  }
  size_t need;
  if (c->chunked) { // undo the chunking in place
    size_t r = c->hdr_end, w = c->hdr_end; int done = 0;
    for (;;) {
      char *nl = memmem(c->in + r, c->in_len - r, "\r\n", 2); if (!nl) return 0;
      long k = strtol(c->in + r, 0, 16); size_t data = nl - c->in + 2;
      if (data + k + 2 > c->in_len) return 0;
      if (k == 0) { need = data + 2; done = 1; break; }
      r = data + k + 2; w += k;
    }
    if (!done) return 0;
    c->clen = w - c->hdr_end;
  } else { need = c->hdr_end + c->clen; if (c->in_len < need) return 0; }
  S_bytes_in += need;
  char *body = c->in + c->hdr_end; size_t bl = need - c->hdr_end;
  if (!memcmp(c->in, "POST ", 5) && (memmem(c->in, c->hdr_end > 80 ? 80 : c->hdr_end, "/chat/completions", 17) || memmem(c->in, c->hdr_end > 80 ? 80 : c->hdr_end, "/messages", 9))) {
    c->api = memmem(c->in, c->hdr_end > 80 ? 80 : c->hdr_end, "/messages", 9) ? ANTHROPIC : OPENAI;
    // the flag is near one of the ends: look there first
    size_t w = bl > 2048 ? 2048 : bl; char *s = memmem(body, w, "\"stream\":", 9);
    if (!s) s = memmem(body + bl - w, w, "\"stream\":", 9);
    if (!s && bl > 4096) s = memmem(body, bl, "\"stream\":", 9);
    c->stream = 0;
    if (s) { s += 9; while (*s == ' ') s++; c->stream = *s == 't'; }
    consume(c, need);
    S_req++; c->active = 1; c->sent = -1; c->due = now_ns();
    if (c->stream) S_stream++;
    if (P_lat) { c->due += P_lat * 1000; hpush(c); return 1; }
    if (c->stream) { step(c); return -1; }  // may have died or finished: the caller stops
    if (whole(c) < 0) return -1;
    c->active = 0;
    if (c->closing) { if (c->out_len == c->out_off) dead(c); return -1; }
    return 1;
  }
  static char j[4096];
  c->in[c->hdr_end - 1] = 0;
  if (strstr(c->in, "/_ctl")) {
    P_body = arg(c->in, "body=", P_body); P_lat = arg(c->in, "lat=", P_lat); P_chunks = arg(c->in, "chunks=", P_chunks);
    P_delay = arg(c->in, "delay=", P_delay); P_tick = arg(c->in, "tick=", 0); P_pad = arg(c->in, "pad=", P_pad); if (P_pad > 60000) P_pad = 60000;
    { // rt=1: real-time priority, so that timed chunks leave on time though the load generator shares the core
      struct sched_param sp = { .sched_priority = arg(c->in, "rt=", 0) ? 10 : 0 };
      sched_setscheduler(0, sp.sched_priority ? SCHED_FIFO : SCHED_OTHER, &sp); }
    build(); S_req = S_stream = S_chunks = S_accept = S_bytes_in = S_aborted = 0; sprintf(j, "{\"ok\":true}");
  } else if (strstr(c->in, "/_stats")) {
    sprintf(j, "{\"requests\":%ld,\"streams\":%ld,\"chunks\":%ld,\"accepts\":%ld,\"bytes_in\":%ld,\"aborted\":%ld,\"total\":{\"completed\":%ld,\"input_tokens\":%ld,\"output_tokens\":%ld}}", S_req, S_stream, S_chunks, S_accept, S_bytes_in, S_aborted, T_done, T_in, T_out);
  } else if (strstr(c->in, "/models")) sprintf(j, "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\",\"created\":1700000000,\"owned_by\":\"mock\",\"max_model_len\":131072}]}");
  else if (strstr(c->in, "_info")) sprintf(j, "{\"model_path\":\"bench\",\"served_model_name\":\"bench\",\"tokenizer_path\":\"bench\",\"is_generation\":true,\"dp_size\":1,\"version\":\"0\"}");
  else sprintf(j, "{\"status\":\"ok\"}");
  consume(c, need);
  if (simple(c, j) < 0) return -1;
  if (c->closing) { if (c->out_len == c->out_off) dead(c); return -1; }
  return 1;
}

int main(int argc, char **argv) {
  signal(SIGPIPE, SIG_IGN);
  struct rlimit rl; getrlimit(RLIMIT_NOFILE, &rl); rl.rlim_cur = rl.rlim_max; setrlimit(RLIMIT_NOFILE, &rl);
  memset(padbuf, 'x', sizeof padbuf);
  build();
  int ls = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
  setsockopt(ls, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  if (bind(ls, (void *)&a, sizeof a) || listen(ls, 4096)) { perror("bind"); return 1; }
  ep = epoll_create1(0);
  struct epoll_event e = { .events = EPOLLIN, .data.fd = ls }; epoll_ctl(ep, EPOLL_CTL_ADD, ls, &e);
  static struct epoll_event ev[1024];
  for (;;) {
    struct timespec ts, *tp = 0;
    if (rn) { ts.tv_sec = 0; ts.tv_nsec = 0; tp = &ts; }
    else if (hn) { uint64_t due = H[0]->due; if (P_tick) due += P_tick * 1000 - due % (P_tick * 1000); int64_t d = (int64_t)(due - now_ns()); if (d < 0) d = 0; ts.tv_sec = d / 1000000000; ts.tv_nsec = d % 1000000000; tp = &ts; }
    int n = epoll_pwait2(ep, ev, 1024, tp, 0);
    for (int i = 0; i < n; i++) {
      int fd = ev[i].data.fd;
      if (fd == ls) {
        for (int k = 0; k < 64; k++) {
          int s = accept4(ls, 0, 0, SOCK_NONBLOCK); if (s < 0) break;
          setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
          conn_t *c = calloc(1, sizeof *c); c->fd = s; c->heap = c->inring = -1; C[s] = c; S_accept++;
          struct epoll_event x = { .events = EPOLLIN | EPOLLRDHUP, .data.fd = s }; epoll_ctl(ep, EPOLL_CTL_ADD, s, &x);
        }
        continue;
      }
      conn_t *c = C[fd]; if (!c) continue;
      if (ev[i].events & (EPOLLHUP | EPOLLERR)) { dead(c); continue; }
      if (ev[i].events & EPOLLOUT) {
        ssize_t w = send(fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
        if (w < 0 && errno != EAGAIN) { dead(c); continue; }
        if (w > 0) c->out_off += w;
        if (c->out_off == c->out_len) { c->out_off = c->out_len = 0; arm(c, 0); if (c->closing && !c->active) { dead(c); continue; } if (c->active && c->stream && !P_delay) radd(c); }
      }
      if (ev[i].events & (EPOLLIN | EPOLLRDHUP)) {
        int died = 0;
        for (;;) {
          if (c->in_cap - c->in_len < 4096) { c->in_cap = c->in_cap ? c->in_cap * 2 : 4096; c->in = realloc(c->in, c->in_cap + 1); if (c->in_cap - c->in_len < 4096) continue; }
          size_t room = c->in_cap - c->in_len;
          ssize_t r = recv(fd, c->in + c->in_len, room, 0);
          if (r == 0 || (r < 0 && errno != EAGAIN)) { dead(c); died = 1; break; }
          if (r < 0) break;
          c->in_len += r; c->in[c->in_len] = 0;
          if ((size_t)r < room) break;
        }
        if (died) continue;
        while (C[fd] == c && !c->active) { int r = process(c); if (r <= 0) break; }
      }
    }
    if (rn) { for (int i = rn - 1; i >= 0; i--) if (i < rn) step(R[i]); }
    if (hn) { uint64_t t = now_ns(); if (P_tick) t -= t % (P_tick * 1000); while (hn && H[0]->due <= t) { conn_t *c = H[0]; hdel(c); fire(c); } }
  }
}
