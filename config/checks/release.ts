import * as table from "../compatibility";
import type { ConfigIssue } from "../issues";
import { defaultPins, type ChartName } from "../pins";
import type { RawHomelab } from "../schema";
import { line, lineWithin, parseVersion, version, type Version } from "../version";
import { issueIf } from "./check";

type Versions = RawHomelab["versions"];

/** The Kubernetes line that a K3s release ships. */
export const kubernetes = ({ k3s }: Versions) => version(k3s.version);

export const chartPath = (chart: ChartName) => `versions.charts.${chart}`;

/** A chart whose line nobody has looked at yet. */
export function unknownLine(chart: ChartName, found: string, known: string): ConfigIssue {
  return {
    path: chartPath(chart),
    found,
    allowed: `a release of ${known}`,
    fix: `take ${defaultPins.charts[chart]}; config/compatibility.ts says how to add a line`,
  };
}

/** A chart that is not tested with the Kubernetes of the stack. */
export function untestedKubernetes(chart: ChartName, versions: Versions, span: table.Span): ConfigIssue[] {
  return issueIf(!lineWithin(kubernetes(versions), ...span), () => ({
    path: chartPath(chart),
    found: `${versions.charts[chart]} with Kubernetes ${line(kubernetes(versions))}`,
    allowed: `Kubernetes ${span[0]} to ${span[1]}, with which this line is tested`,
    fix: `take ${defaultPins.charts[chart]}, or a K3s release of those`,
  }));
}

/** The release that an image's tag names. */
export function tagVersion(image: string): Version | undefined {
  return parseVersion(/:([^:@/]+)(@|$)/.exec(image)?.[1] ?? "");
}
