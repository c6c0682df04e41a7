import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { mirroredFile } from "../config/mirror";
import { k3sRelease } from "../nodes/k3s/node-step";
import { cached } from "./cache";
import { must, removeFolder, run } from "./processes";

/** The release that the stand-in is built from: its Kubernetes is the same (sandbox/k3s/go.mod). */
export const STAND_IN_VERSION = "v1.32.5+k3s1";

const SOURCES = path.join(__dirname, "k3s");

/** Go by which the sources are compiled where PATH has none that is new enough; Kubernetes 1.32 wants 1.23. */
const TOOLCHAIN = {
  module: "golang.org/toolchain@v0.0.1-go1.23.12.linux-amd64",
  sum: "h1:CQZ55qhuGAYcgv4npnr3DsfZP3i8URMjkpv7TYHRIH4=",
} as const;
const LEAST_GO: readonly [number, number] = [1, 23];

/**
 * Settings of every call. No C: the binary runs on whatever machine it is copied to. No other toolchain than the one
 * called, and nothing of the caller's own settings that would change the result.
 */
const ENVIRONMENT = [
  "CGO_ENABLED=0",
  "GOTOOLCHAIN=local",
  "GOFLAGS=-mod=readonly -buildvcs=false",
  "GOWORK=off",
] as const;

/** Why the stand-in cannot be compiled here, and what to do about it; undefined if it can. */
export async function goProblem(): Promise<string | undefined> {
  return (await installedGo()) === undefined
    ? "Go is missing, by which the stand-in for K3s is compiled; run: apt-get install golang-go (any version: a newer one is fetched as a Go module)"
    : undefined;
}

/**
 * The stand-in for the K3s binary (sandbox/README.md), from the cache or compiled now. Compiling takes minutes and about
 * 3 GiB below Go's own cache, once; its modules come through GOPROXY and are verified by sandbox/k3s/go.sum.
 *
 * @param version that it answers for. Another one than STAND_IN_VERSION is the same Kubernetes under another name.
 * @returns path of the binary; do not change it.
 * @throws Error if there is no Go, or with the compiler's last lines.
 */
export async function standInK3s(version = STAND_IN_VERSION): Promise<string> {
  const problem = await goProblem();
  if (problem !== undefined) {
    throw new Error(problem);
  }
  const go = await newEnoughGo();
  const settings = linkerSettings(version);
  const inputs = [sourcesDigest(), ENVIRONMENT, await goVersion(go), settings, process.arch];
  const { folder } = await cached("k3s", inputs, async (building) => {
    const output = path.join(building, "k3s");
    // Beside the entry's files: intermediate objects are too large for a small /tmp.
    const temporary = path.join(building, "tmp");
    fs.mkdirSync(temporary);
    const flags = ["-trimpath", "-ldflags", `-s -w ${settings}`, "-o", output];
    await must("env", ["-C", SOURCES, ...ENVIRONMENT, `GOTMPDIR=${temporary}`, go, "build", ...flags, "."]);
    removeFolder(temporary);
  });
  return path.join(folder, "k3s");
}

/** What a release's build says of its version, which API server, kubectl and clients then answer (hack/lib/version.sh). */
function linkerSettings(version: string): string {
  const [, major, minor] = /^v(\d+)\.(\d+)/.exec(version) ?? [];
  const of = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((name) => [
    `${name}.gitVersion=${version}`,
    `${name}.gitMajor=${major}`,
    `${name}.gitMinor=${minor}`,
    `${name}.gitTreeState=clean`,
  ]);
  return [`main.version=${version}`, ...of].map((setting) => `-X ${setting}`).join(" ");
}

/**
 * Puts the stand-in into a mirror's folder, where the program looks for the release of that version.
 *
 * @returns what versions.k3s of the stack must say.
 */
export async function offerStandInK3s(
  folder: string,
  version = STAND_IN_VERSION,
): Promise<{ version: string; sha256: string }> {
  const binary = await standInK3s(version);
  const sha256 = createHash("sha256").update(fs.readFileSync(binary)).digest("hex");
  const file = path.join(folder, mirroredFile(`${k3sRelease(version)}/k3s`, sha256));
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.copyFileSync(binary, `${file}.new`);
  fs.renameSync(`${file}.new`, file);
  return { version, sha256 };
}

function sourcesDigest(): string {
  const hash = createHash("sha256");
  for (const name of fs.readdirSync(SOURCES).sort()) {
    hash.update(`${name}\0`).update(fs.readFileSync(path.join(SOURCES, name)));
  }
  return hash.digest("hex");
}

/** What `go` on PATH says of its version; undefined without one. */
async function installedGo(): Promise<string | undefined> {
  const ran = await run("env", [...ENVIRONMENT, "go", "version"]);
  return ran.status === 0 ? ran.stdout.trim() : undefined;
}

async function goVersion(go: string): Promise<string> {
  return (await must("env", [...ENVIRONMENT, go, "version"])).stdout.trim();
}

/** PATH's Go if it is new enough, otherwise the one that it fetches as a module; Debian 12's cannot do so by itself. */
async function newEnoughGo(): Promise<string> {
  const [, major, minor] = /go(\d+)\.(\d+)/.exec((await installedGo()) ?? "") ?? [];
  if (Number(major) > LEAST_GO[0] || (Number(major) === LEAST_GO[0] && Number(minor) >= LEAST_GO[1])) {
    return "go";
  }
  // Outside of the module, whose go.mod an older Go does not understand; the sum is compared here.
  const settings = ENVIRONMENT.filter((setting) => !setting.startsWith("GOFLAGS="));
  const download = ["-C", "/", ...settings, "GOFLAGS=-mod=mod", "GONOSUMDB=*", "go", "mod", "download"];
  const { stdout } = await must("env", [...download, "-json", TOOLCHAIN.module]);
  const { Dir: root, Sum: sum } = JSON.parse(stdout) as { Dir: string; Sum: string };
  if (sum !== TOOLCHAIN.sum) {
    throw new Error(
      `${TOOLCHAIN.module} has the sum ${sum}, it should have ${TOOLCHAIN.sum}; is GOPROXY to be trusted?`,
    );
  }
  // Modules are unpacked without permission to run anything, and read-only.
  await must("chmod", ["-R", "u+w,a+x", path.join(root, "bin"), path.join(root, "pkg/tool")]);
  return path.join(root, "bin/go");
}
