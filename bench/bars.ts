import { atLeast, atMost, type Bar, cpu, speed } from "./bar.ts";
import { storeBars } from "./store-bars.ts";

export const bars: readonly Bar[] = [
  atMost("push-cpu", "`client.push`: CPU ÷ undici.request, 64 in flight, 200 devices", 0.6, 0.5, "×", (of) =>
    cpu(of, "push-26", "flashwave", "undici.request"),
  ),
  atMost("inspect-cpu", "`client.inspect`: CPU ÷ undici.request, 64 in flight, 200 devices", 0.6, 0.5, "×", (of) =>
    cpu(of, "inspect", "flashwave", "undici.request"),
  ),
  atLeast("push-go", "`client.push`: requests/s ÷ Go net/http, same", 1.1, 1.4, (of) =>
    speed(of, "push-26", "flashwave", "Go net/http"),
  ),
  atMost(
    "alone-go",
    "`client.push` one at a time, all on one core: wall ÷ Go net/http",
    1,
    0.85,
    "×",
    (of) => 1 / speed(of, "push-22-alone", "flashwave", "Go net/http"),
  ),
  atMost("push-heap", "heap bytes per `client.push`", 7.5, 6.6, "KB", (of) => of("push-26", "flashwave", "heap") / 1e3),
  atMost("push-dispatch", "`client.push` ÷ bare Client.dispatch, CPU, same request", 1.35, 1.15, "×", (of) =>
    cpu(of, "push-26", "flashwave", "Client.dispatch"),
  ),
  atMost(
    "inspect-push",
    "`client.inspect` ÷ `client.push`, CPU",
    1.3,
    1.3,
    "×",
    (of) => of("inspect", "flashwave", "cpu") / of("push-26", "flashwave", "cpu"),
  ),
  atMost(
    "inspect-heap",
    "heap bytes per `client.inspect`",
    10,
    10,
    "KB",
    (of) => of("inspect", "flashwave", "heap") / 1e3,
  ),
  atMost(
    "registry",
    "a registry lookup by id and a resolved profile added to a push, CPU",
    15,
    8,
    "µs",
    (of) => of("registry", "push(id)", "cpu") - of("registry", "push(device)", "cpu"),
  ),
  atLeast("memory-net", "10 MiB from memory ÷ raw net, throughput", 0.85, 0.95, (of) =>
    speed(of, "10mb", "flashwave memory", "raw node:net"),
  ),
  atLeast(
    "file-net",
    "10 MiB file, resident (loaded and checked once at open) ÷ raw net, throughput",
    0.75,
    0.9,
    (of) => speed(of, "10mb", "flashwave file", "raw node:net"),
  ),
  atLeast("ring-go", "10 MiB file ring, unchecked (ablation) ÷ Go io.Copy, throughput", 0.7, 1, (of) =>
    speed(of, "10mb", "ring unchecked", "Go io.Copy"),
  ),
  atLeast("ring-sha256", "10 MiB file ring, checked ÷ SHA-256's own speed", 0.7, 0.85, (of) =>
    speed(of, "10mb", "flashwave ring", "sha256"),
  ),
  atLeast("ring-stream", "10 MiB file ring, checked ÷ createReadStream + running hash, throughput", 1.5, 2, (of) =>
    speed(of, "10mb", "flashwave ring", "request stream+hash"),
  ),
  atMost(
    "rss-1gb",
    "growth of resident memory, first push of a 1 GiB file",
    16,
    8,
    "MB",
    (of) => of("memory-1024mb", "flashwave ring", "rssPeak") / 1e6,
  ),
  ...(["tus", "swupdate", "redfish", "web upload", "shelly"] as const).map((adapter) =>
    atLeast(`adapter-${adapter}`, `64 MiB through ${adapter} ÷ through generic HTTP, throughput`, 0.9, 1, (of) =>
      speed(of, "adapters", adapter, "http"),
    ),
  ),
  atLeast("fan-out", "10 MiB to 100 devices ÷ createReadStream + hash each, throughput", 4, 7, (of) =>
    speed(of, "fan-out", "flashwave file", "request stream+hash"),
  ),
  ...storeBars,
  atMost(
    "idle-rss",
    "resident memory per idle device, 10,000 connections kept",
    14,
    10,
    "KB",
    (of) => of("idle-devices", "flashwave", "rssHeld") / 1e3,
  ),
];
