// Measures `npm run plan` as a whole process: wall time and peak memory, over several cold runs.
// Usage: npm run bench [-- RUNS]. Ceilings of the project: 5 s and 400 MB.
const { spawnSync } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const runs = Number(process.argv[2] ?? 5);
if (!Number.isInteger(runs) || runs < 1) {
  console.error("usage: npm run bench [-- RUNS], RUNS a whole number from 1");
  process.exit(2);
}
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-bench-"));
const usage = path.join(folder, "usage");
// The hook writes the plan's own peak resident set, in KiB, when the process ends.
const hook = path.join(folder, "hook.js");
fs.writeFileSync(
  hook,
  `process.on("exit", () => require("node:fs").writeFileSync(${JSON.stringify(usage)}, String(process.resourceUsage().maxRSS)));`,
);
try {
  const results = Array.from({ length: runs }, () => {
    const start = performance.now();
    const args = ["--require", hook, path.join(__dirname, "plan.js"), "--out", path.join(folder, "plan")];
    const child = spawnSync(process.execPath, args, { encoding: "utf8" });
    if (child.status !== 0) {
      throw new Error(`the plan failed:\n${child.stderr}`);
    }
    return {
      seconds: (performance.now() - start) / 1000,
      megabytes: (Number(fs.readFileSync(usage, "utf8")) * 1024) / 1e6,
    };
  });
  const row = (name, unit, values, digits) => {
    const sorted = [...values].sort((one, other) => one - other);
    const [low, middle, high] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted[sorted.length - 1]];
    console.log(
      `${name}: median ${middle.toFixed(digits)} ${unit} (${low.toFixed(digits)} to ${high.toFixed(digits)})`,
    );
  };
  console.log(
    `npm run plan, ${runs} cold runs on ${os.cpus().length} x ${os.cpus()[0].model.trim()}, Node ${process.version}`,
  );
  row(
    "wall time",
    "s",
    results.map(({ seconds }) => seconds),
    2,
  );
  row(
    "peak memory",
    "MB",
    results.map(({ megabytes }) => megabytes),
    0,
  );
} finally {
  fs.rmSync(folder, { recursive: true, force: true });
}
