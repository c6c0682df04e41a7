import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import type { Homelab } from "../../config/homelab";
import { ConfigError } from "../../config/issues";
import { LOCK_FILE, readLock, type MirrorLock } from "../../config/mirror-lock";
import { parseHomelab } from "../../config/parse";
import { chartSources, type ChartName } from "../../config/pins";
import { readStackFile } from "../../config/stack-file";
import { artefactsOf } from "../../mirror/artefacts";
import { fillMirror } from "../../mirror/fill";
import { recordStack } from "../../plan/program";
import { UserError } from "../../plan/user-error";
import { STACK, plannedHomelab, stackFileConfig, type StackConfig } from "../config";
import { REHEARSED_CHARTS } from "../not-rehearsed";
import { choiceOf, standInsOnly, type Choice } from "./choice";
import { allOf, holdingsOf, lacksOf, wrongDigests, type Holding, type Holdings } from "./holdings";
import { standInProblems } from "./missing";
import { SMALL, sizedMachines, sizesOf, type Sizes } from "./sizes";

const ROOT = path.join(__dirname, "..", "..");

/** Where a rehearsal's artefacts come from, and what follows from it. */
export interface Decision {
  choice: Choice;
  sizes: Sizes;
  /** What of the stack file is otherwise: versions, and sizes. */
  changes: StackConfig;
  /** The named mirror; undefined without one. */
  mirror?: {
    folder: string;
    holdings: Holdings;
    lock: MirrorLock;
  };
}

/** What a rehearsal is made of where no mirror was named. */
export function withoutMirror(): Decision {
  return { choice: standInsOnly(Object.keys(chartSources) as ChartName[]), sizes: SMALL, changes: {} };
}

/**
 * Looks into a mirror's folder for what its stack pins, and decides what of it the rehearsal uses. Reads only.
 *
 * @param pods whether pods have to run.
 * @param root folder of the stack's file, and of its lock unless that names another. Default: this repository's.
 * @throws UserError if there is no such folder, or nothing in it that the stack pins.
 * @throws ConfigError for every file with another digest than was recorded, or if the stack's file has mistakes.
 */
export async function withMirror(
  { folder, stack }: { folder: string; stack: string },
  pods: boolean,
  root = ROOT,
): Promise<Decision> {
  if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`--mirror: ${folder} is no folder. Is it mounted? ${howToFill(folder, stack)}`);
  }
  const house = parseHomelab(readStackFile(path.join(root, `Pulumi.${stack}.yaml`)));
  const lock = lockOf(house, root, folder);
  const holdings = holdingsOf(house, lock, folder);
  const wrong = wrongDigests(holdings, { folder, stack });
  if (wrong.length > 0) {
    throw new ConfigError(wrong);
  }
  if (allOf(holdings).every(({ found }) => found === undefined)) {
    const { what } = holdings.k3s[0];
    throw new UserError(
      `--mirror: ${folder} holds nothing that stack ${stack} pins: neither ${what} nor a chart or CRDs in their versions. ${howToFill(folder, stack)}`,
    );
  }
  const lacks = lacksOf(holdings, folder);
  // Who lacks a binary or a chart has no pods anyway; to look for images takes helm, and its time.
  const images =
    pods && lacks.k3s === undefined && REHEARSED_CHARTS.every((name) => lacks.charts[name] === undefined)
      ? await lackingImages({ versions: pinsOf(house, true) }, folder, lock)
      : [];
  const choice = choiceOf(lacks, pods ? { charts: REHEARSED_CHARTS, images } : undefined);
  const changes = {
    versions: pinsOf(house, choice.k3s === "real"),
    machines: sizedMachines(plannedHomelab(), choice, pods),
  };
  const problems = standInProblems(plannedHomelab(changes), choice);
  if (problems.length > 0) {
    throw new UserError(
      [
        `Versions of stack ${stack} that ${folder} does not hold, and that have no stand-in either; nothing was started:`,
        ...problems.map((problem) => `  ${problem}`),
        howToFill(folder, stack),
      ].join("\n"),
    );
  }
  return { choice, sizes: sizesOf(choice, pods), changes, mirror: { folder, holdings, lock } };
}

/** Tells rehearsals of other artefacts, digests or sizes apart; empty without a mirror. */
export function decisionKey({ choice, sizes, changes, mirror }: Decision): string {
  if (!mirror) {
    return "";
  }
  const digests = realHoldings(choice, mirror.holdings).map(({ file, recorded }) => [file, recorded]);
  return createHash("sha256").update(JSON.stringify({ sizes, changes, digests })).digest("hex");
}

/** What the rehearsal takes from the mirror. */
export function realHoldings({ k3s, charts, bundles }: Choice, holdings: Holdings): Holding[] {
  const real = <K extends string>(sources: Readonly<Record<K, unknown>>, held: Readonly<Record<K, Holding>>) =>
    (Object.keys(sources) as K[]).filter((key) => sources[key] === "real").map((key) => held[key]);
  return [
    ...(k3s === "real" ? holdings.k3s : []),
    ...real(charts, holdings.charts),
    ...real(bundles, holdings.bundles),
  ];
}

function howToFill(folder: string, stack: string): string {
  return `Fill it while upstream answers: npm run mirror -- --stack ${stack} --folder ${folder}`;
}

/** The owner's record first: a folder that vouches for itself is the last resort. */
function lockOf({ versions: { mirror } }: Homelab, root: string, folder: string): MirrorLock {
  const places = [...(mirror?.lockFolder === undefined ? [] : [mirror.lockFolder]), root, folder];
  const place = places.find((candidate) => fs.existsSync(path.join(candidate, LOCK_FILE))) ?? folder;
  try {
    return readLock(place);
  } catch (error) {
    throw new UserError(`${place}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Versions of a house, as another stack's configuration says them; digests are put beside them once the files are there.
 * Agents that an upgrade has left behind keep their release only with the real K3s: the stand-in is one binary.
 */
function pinsOf({ versions }: Homelab, realK3s: boolean): StackConfig {
  const { k3s, gatewayApi, prometheusOperatorCrds, charts, images } = versions;
  return {
    k3s: { version: k3s.version, ...(realK3s && k3s.agent ? { agent: k3s.agent } : {}) },
    gatewayApi: { version: gatewayApi.version, channel: gatewayApi.channel },
    prometheusOperatorCrds: { version: prometheusOperatorCrds.version },
    charts,
    images,
  };
}

/** Images of the rebuild that the mirror has not completely as they were recorded; what names them and cannot be read, too. */
async function lackingImages(changes: StackConfig, folder: string, lock: MirrorLock): Promise<string[]> {
  const outcomes = await fillMirror({
    artefacts: artefactsOf(plannedHomelab(changes)),
    recording: await recordStack(STACK, stackFileConfig(changes)),
    folder,
    lock,
    fetch: false,
    images: true,
  });
  const lacking = outcomes.filter(
    ({ kind, name, result }) => result !== "present" && (kind === "image" || name.startsWith("images of ")),
  );
  return [...new Set(lacking.map(({ name }) => name))];
}
