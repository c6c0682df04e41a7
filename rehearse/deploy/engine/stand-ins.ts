import { absentStep, isHostStep, reasonOf } from "../absent";
import { BACKBLAZE } from "../backblaze";

/** As much of a resource as tells what stands in for it. */
export interface Named {
  type: string;
  name: string;
}

/** What is not rehearsed, by name, with the reason; see absentStep. */
export type NotRehearsed = Readonly<Record<string, string>>;

/** How a resource is carried out that the rehearsal has no counterpart for. */
export type StandIn =
  /** A step on a machine that asks what nobody here could answer: it runs, and does nothing. */
  | { kind: "empty step"; reason: string }
  /** An object that nobody here acts on: it is applied, and not waited for. */
  | { kind: "not awaited"; reason: string }
  /** Answered by the stand-in of its provider, see backblaze.ts. */
  | { kind: "made up"; reason: string };

/** Why a resource is not carried out as it stands, and what is done instead; undefined if it is. */
export function standInOf({ type, name }: Named, notRehearsed: NotRehearsed): StandIn | undefined {
  if (type.startsWith("b2:")) {
    return { kind: "made up", reason: BACKBLAZE };
  }
  const absent = absentStep({ type, name }, notRehearsed);
  if (absent !== undefined) {
    return isHostStep(type) ? { kind: "empty step", reason: absent } : { kind: "not awaited", reason: absent };
  }
  const kind = kindOf(type);
  const reason =
    kind && (reasonOf(`${kind.apiVersion}/${kind.kind}`, notRehearsed) ?? reasonOf(kind.group, notRehearsed));
  return reason === undefined ? undefined : { kind: "not awaited", reason };
}

/** The reason for which the chart is a stand-in to which an object belongs; undefined if it belongs to none. */
export function standInChart(urn: string, notRehearsed: NotRehearsed): string | undefined {
  const [, , types = "", ...name] = urn.split("::");
  const chart = types.includes("kubernetes:helm.sh/v4:Chart$") ? name.join("::").split(":")[0] : undefined;
  return chart === undefined ? undefined : reasonOf(chart, notRehearsed);
}

/** API version and kind of a type token such as kubernetes:apps/v1:Deployment or kubernetes:core/v1:Service. */
function kindOf(type: string): { apiVersion: string; group: string; kind: string } | undefined {
  const [, version, kind] = /^kubernetes:([^:]+\/[^:]+):([^:]+)$/.exec(type) ?? [];
  if (version === undefined || version.startsWith("helm.sh/")) {
    return undefined;
  }
  const apiVersion = version.replace(/^core\//, "");
  return { apiVersion, group: apiVersion.includes("/") ? apiVersion.split("/")[0] : "", kind };
}
