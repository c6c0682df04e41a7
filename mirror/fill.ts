import * as fs from "node:fs";
import * as path from "node:path";
import { mirroredChart, mirroredFile } from "../config/mirror";
import { chartKey, fileSha256, type MirrorLock } from "../config/mirror-lock";
import type { Recording } from "../plan/record";
import type { Artefacts, ChartArtefact, FileArtefact } from "./artefacts";
import { locateChart } from "./charts";
import { download } from "./fetch";
import { completeImage, mirrorImage } from "./images";
import { fullReference } from "./references";
import { chartsOf, imagesOfChart, imagesOfObjects } from "./rendered";

/** What became of one artefact. */
export interface Outcome {
  kind: "file" | "chart" | "image";
  name: string;
  result: "present" | "fetched" | "missing" | "failed";
  /** Why it is missing or failed. */
  reason?: string;
}

export interface FillOptions {
  artefacts: Artefacts;
  /** What the program makes of the homelab: where images are named. */
  recording: Recording;
  /** The mirror's folder. */
  folder: string;
  /** Digests of earlier fills; new ones are added. */
  lock: MirrorLock;
  /** False: looks and fetches nothing. */
  fetch: boolean;
  /** False: files and charts alone. */
  images: boolean;
  /** Told of each outcome as it comes. */
  report?: (outcome: Outcome) => void;
}

/** Artefacts fetched at the same time: upstream's patience and a home's line are both limited. */
const AT_ONCE = 4;

/**
 * Brings a mirror's folder to what the pinned versions need, or says what it lacks. What is there with its digest is not
 * fetched again, so an interrupted fill goes on where it was. One artefact that fails does not stop the others.
 */
export async function fillMirror(options: FillOptions): Promise<Outcome[]> {
  const { artefacts, images } = options;
  const outcomes: Outcome[] = [];
  const each = async <T>(kind: Outcome["kind"], items: readonly T[], name: (item: T) => string, act: Act<T>) => {
    const waiting = [...items];
    const worker = async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) {
        const outcome: Outcome = { kind, name: name(item), ...(await settled(act, item)) };
        outcomes.push(outcome);
        options.report?.(outcome);
      }
    };
    // The index of the image layout has one writer; everything else may come side by side.
    await Promise.all(Array.from({ length: kind === "image" ? 1 : AT_ONCE }, worker));
  };
  const lists = images ? artefacts.imageLists : [];
  await each(
    "file",
    [...artefacts.files, ...lists],
    ({ name }) => name,
    (file) => fillFile(options, file),
  );
  await each(
    "chart",
    artefacts.charts,
    ({ chart, version }) => `${chart} ${version}`,
    (chart) => fillChart(options, chart),
  );
  if (images) {
    const { references, unread } = await neededImages(options);
    unread.forEach((outcome) => {
      outcomes.push(outcome);
      options.report?.(outcome);
    });
    await each(
      "image",
      references,
      (reference) => reference,
      (reference) => fillImage(options, reference),
    );
  }
  return outcomes;
}

type Act<T> = (item: T) => Promise<Omit<Outcome, "kind" | "name">> | Omit<Outcome, "kind" | "name">;

async function settled<T>(act: Act<T>, item: T): Promise<Omit<Outcome, "kind" | "name">> {
  try {
    return await act(item);
  } catch (error) {
    return { result: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

async function fillFile(
  { folder, lock, fetch }: FillOptions,
  file: FileArtefact,
): Promise<Omit<Outcome, "kind" | "name">> {
  const wanted = file.sha256 ?? lock.files[file.url];
  if (file.sha256 !== undefined && !/^[0-9a-f]{64}$/.test(file.sha256)) {
    return { result: "failed", reason: `${file.name}.sha256 is still a placeholder; Pulumi.yaml says how to find it` };
  }
  if (wanted !== undefined) {
    const target = path.join(folder, mirroredFile(file.url, wanted));
    if (fs.existsSync(target) && fileSha256(target) === wanted) {
      return { result: "present" };
    }
    if (!fetch) {
      return { result: "missing", reason: fs.existsSync(target) ? `${target} has another digest` : `no ${target}` };
    }
    await download(file.url, target, wanted);
    return { result: "fetched" };
  }
  if (!fetch) {
    return { result: "missing", reason: "its digest was never recorded" };
  }
  const arrived = path.join(folder, "files", `.arrived-${path.basename(new URL(file.url).pathname)}-${process.pid}`);
  const sha256 = await download(file.url, arrived, undefined);
  const target = path.join(folder, mirroredFile(file.url, sha256));
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.renameSync(arrived, target);
  lock.files[file.url] = sha256;
  return { result: "fetched" };
}

async function fillChart(
  { folder, lock, fetch }: FillOptions,
  chart: ChartArtefact,
): Promise<Omit<Outcome, "kind" | "name">> {
  const key = chartKey(chart.name, chart.version);
  const target = path.join(folder, mirroredChart(chart.name, chart.version));
  const recorded = lock.charts[key] as string | undefined;
  const found = fs.existsSync(target) ? fileSha256(target) : undefined;
  if (found !== undefined && found === recorded) {
    return { result: "present" };
  }
  if (found !== undefined && recorded !== undefined) {
    return {
      result: "failed",
      reason: `${target} has sha256 ${found}, recorded is ${recorded}; somebody changed it: remove it and run again`,
    };
  }
  if (!fetch) {
    return { result: "missing", reason: found === undefined ? `no ${target}` : "its digest was never recorded" };
  }
  // An archive without a record is fetched too: nobody has vouched for it.
  const { url, sha256 } = await locateChart(chart);
  if (recorded !== undefined && sha256 !== undefined && sha256 !== recorded) {
    throw new Error(`upstream now says sha256 ${sha256} of ${key}, recorded is ${recorded}: the release was replaced`);
  }
  lock.charts[key] = await download(url, target, recorded ?? sha256);
  return { result: "fetched" };
}

async function fillImage(
  { folder, lock, fetch }: FillOptions,
  reference: string,
): Promise<Omit<Outcome, "kind" | "name">> {
  const recorded = lock.images[reference] as string | undefined;
  if (!fetch) {
    const digest = completeImage(folder, reference);
    return digest === undefined
      ? { result: "missing", reason: "not in the mirror, or not complete" }
      : recorded === digest
        ? { result: "present" }
        : { result: "failed", reason: `it is ${digest}, recorded is ${recorded ?? "nothing"}` };
  }
  const { digest, fetched } = await mirrorImage(folder, reference);
  if (recorded !== undefined && recorded !== digest) {
    throw new Error(
      `${reference} is ${digest}, recorded is ${recorded}: its tag was moved. Pin the old digest, or remove the line of ${reference} from the lock`,
    );
  }
  lock.images[reference] = digest;
  return { result: fetched ? "fetched" : "present" };
}

/** Every image of the rebuild, sorted, and what could not be looked into. */
async function neededImages({ artefacts, recording, folder, lock }: FillOptions): Promise<{
  references: string[];
  unread: Outcome[];
}> {
  const unread: Outcome[] = [];
  const references = imagesOfObjects(recording);
  const archives = artefacts.charts.map(({ name, chart, version }) => ({
    chart,
    archive: mirroredChart(name, version),
  }));
  for (const chart of chartsOf(recording)) {
    const asked = String(chart.inputs.chart);
    const archive = archives.find((known) => known.chart === asked || asked.endsWith(`/${known.archive}`))?.archive;
    try {
      if (archive === undefined || !fs.existsSync(path.join(folder, archive))) {
        throw new Error("its archive is not in the mirror");
      }
      const images = await imagesOfChart(chart, path.join(folder, archive), artefacts.kubernetes);
      images.forEach((image) => references.add(image));
    } catch (error) {
      unread.push({
        kind: "chart",
        name: `images of ${chart.name}`,
        result: "failed",
        reason: (error as Error).message,
      });
    }
  }
  for (const { name, url } of artefacts.imageLists) {
    const sha256 = lock.files[url] as string | undefined;
    const file = sha256 === undefined ? undefined : path.join(folder, mirroredFile(url, sha256));
    if (file === undefined || !fs.existsSync(file)) {
      unread.push({ kind: "file", name, result: "missing", reason: "the list is not in the mirror" });
      continue;
    }
    const lines = fs.readFileSync(file, "utf8").split("\n");
    lines.filter((line) => line.trim() !== "").forEach((line) => references.add(fullReference(line.trim())));
  }
  return { references: [...references].sort(), unread };
}
