import * as table from "../compatibility";
import type { ConfigIssue } from "../issues";
import { defaultPins, type ChartName } from "../pins";
import type { RawHomelab } from "../schema";
import { agentSkewProblem, compareVersions, line, lineWithin, parseVersion, version } from "../version";
import { issueIf, type Check } from "./check";

type Versions = RawHomelab["versions"];

/** The Kubernetes line that a K3s release ships. */
const kubernetes = ({ k3s }: Versions) => version(k3s.version);

const chartPath = (chart: ChartName) => `versions.charts.${chart}`;

/** A chart whose line nobody has looked at yet. */
function unknownLine(chart: ChartName, found: string, known: string): ConfigIssue {
  return {
    path: chartPath(chart),
    found,
    allowed: `a release of ${known}`,
    fix: `take ${defaultPins.charts[chart]}; config/compatibility.ts says how to add a line`,
  };
}

function untestedKubernetes(chart: ChartName, versions: Versions, span: table.Span): ConfigIssue[] {
  return issueIf(!lineWithin(kubernetes(versions), ...span), () => ({
    path: chartPath(chart),
    found: `${versions.charts[chart]} with Kubernetes ${line(kubernetes(versions))}`,
    allowed: `Kubernetes ${span[0]} to ${span[1]}, with which this line is tested`,
    fix: `take ${defaultPins.charts[chart]}, or a K3s release of those`,
  }));
}

const cilium: Check = {
  name: "Cilium goes with Kubernetes and the Gateway API",
  needs: ["versions"],
  run({ versions }) {
    const found = versions.charts.cilium;
    const known = table.ciliumLines[line(version(found))];
    if (!known) {
      return [unknownLine("cilium", found, Object.keys(table.ciliumLines).join(", "))];
    }
    const { version: gatewayApi, channel } = versions.gatewayApi;
    const [first, last] = known.gatewayApi;
    return [
      ...untestedKubernetes("cilium", versions, known.kubernetes),
      ...issueIf(!lineWithin(version(gatewayApi), first, last), () => ({
        path: "versions.gatewayApi.version",
        found: gatewayApi,
        allowed: `v${first} to v${last}: Cilium ${found} looks for versions of the CRDs that others do not serve, and serves no gateway`,
        fix: `take a release of v${last}, or another Cilium`,
      })),
      ...issueIf(known.experimentalChannel && channel !== "experimental", () => ({
        path: "versions.gatewayApi.channel",
        found: channel,
        allowed: `experimental: Cilium ${found} needs versions that the standard channel lists and does not serve, and its operator crashes in a loop`,
        fix: "set experimental with its sha256, or take Cilium 1.17 or newer",
      })),
    ];
  },
};

const alpn: Check = {
  name: "ALPN needs Cilium 1.16",
  needs: ["versions", "network"],
  run({ versions, network }) {
    const found = versions.charts.cilium;
    const known = table.ciliumLines[line(version(found))];
    return issueIf(network.gateway.alpn && known?.alpn === false, () => ({
      path: "network.gateway.alpn",
      found: `true with Cilium ${found}`,
      allowed: "true from Cilium 1.16 on: older ones have no ALPN and no app-protocol at all and ignore the settings",
      fix: `pin versions.charts.cilium to ${defaultPins.charts.cilium}, or set alpn to false`,
    }));
  },
};

const certManager: Check = {
  name: "cert-manager goes with Kubernetes",
  needs: ["versions"],
  run({ versions }) {
    const found = versions.charts.certManager;
    const span = table.certManagerKubernetes[line(version(found))];
    return span
      ? untestedKubernetes("certManager", versions, span)
      : [unknownLine("certManager", found, Object.keys(table.certManagerKubernetes).join(", "))];
  },
};

const longhorn: Check = {
  name: "Longhorn goes with Kubernetes",
  needs: ["versions"],
  run({ versions }) {
    const found = versions.charts.longhorn;
    const minimum = table.longhornMinimum[line(version(found))];
    if (minimum === undefined) {
      return [unknownLine("longhorn", found, Object.keys(table.longhornMinimum).join(", "))];
    }
    return issueIf(compareVersions(kubernetes(versions), version(`${minimum}.0`)) < 0, () => ({
      path: chartPath("longhorn"),
      found: `${found} with Kubernetes ${line(kubernetes(versions))}`,
      allowed: `Kubernetes ${minimum} or newer`,
      fix: "take an older Longhorn line, or upgrade K3s first",
    }));
  },
};

const velero: Check = {
  name: "Velero goes with its plugin, and the plugin with B2",
  needs: ["versions"],
  run({ versions }) {
    const chart = versions.charts.velero;
    const known = table.veleroCharts[String(version(chart).major)];
    const plugin = tagVersion(versions.images.veleroPluginForAws);
    if (!known) {
      return [unknownLine("velero", chart, `chart ${Object.keys(table.veleroCharts).join(", ")}`)];
    }
    const path = "versions.images.veleroPluginForAws";
    if (!plugin || line(plugin) !== known.awsPlugin) {
      return [
        {
          path,
          found: versions.images.veleroPluginForAws,
          allowed: `a tag v${known.awsPlugin}.x, which belongs to Velero ${known.velero} of chart ${chart}`,
          fix: `take ${defaultPins.images.veleroPluginForAws} with chart ${defaultPins.charts.velero}`,
        },
      ];
    }
    const release = `${line(plugin)}.${plugin.patch}`;
    return issueIf(table.awsPluginsBrokenOnB2.includes(release), () => ({
      path,
      found: versions.images.veleroPluginForAws,
      allowed: `not ${table.awsPluginsBrokenOnB2.join(" or ")}: they send an empty x-amz-tagging header, and Backblaze B2 refuses every backup`,
      fix: `take ${defaultPins.images.veleroPluginForAws} with chart ${defaultPins.charts.velero}`,
    }));
  },
};

const prometheusOperator: Check = {
  name: "the operator's CRDs are those of kube-prometheus-stack",
  needs: ["versions"],
  run({ versions }) {
    const chart = versions.charts.kubePrometheusStack;
    const operator = table.operatorOfPrometheusStack[String(version(chart).major)];
    if (operator === undefined) {
      const known = Object.keys(table.operatorOfPrometheusStack).join(", ");
      return [unknownLine("kubePrometheusStack", chart, `chart ${known}`)];
    }
    const crds = versions.prometheusOperatorCrds.version;
    return issueIf(line(version(crds)) !== operator, () => ({
      path: "versions.prometheusOperatorCrds.version",
      found: crds,
      allowed: `v${operator}.x, the operator of kube-prometheus-stack ${chart}`,
      fix: `take ${defaultPins.prometheusOperator} and its sha256 with chart ${defaultPins.charts.kubePrometheusStack}`,
    }));
  },
};

const authentik: Check = {
  name: "Authentik is of a line that the blueprints are written for",
  needs: ["versions"],
  run({ versions }) {
    const found = versions.charts.authentik;
    const [first, last] = table.authentikLines;
    return issueIf(!lineWithin(version(found), first, last), () => ({
      path: chartPath("authentik"),
      found,
      allowed: `${first} to ${last}: older ones bring Redis, newer ones refuse the grants of providers made by blueprint without grant_types`,
      fix: `take ${defaultPins.charts.authentik}`,
    }));
  },
};

const oauth2Proxy: Check = {
  name: "OAuth2-Proxy's image has its security fixes",
  needs: ["versions"],
  run({ versions }) {
    const found = versions.images.oauth2Proxy;
    const tag = tagVersion(found);
    return issueIf(!tag || compareVersions(tag, version(table.oauth2ProxyMinimum)) < 0, () => ({
      path: "versions.images.oauth2Proxy",
      found,
      allowed: `a tag from ${table.oauth2ProxyMinimum} on: older ones let requests past the login (CVE-2025-54576 and others)`,
      fix: `take ${defaultPins.images.oauth2Proxy}`,
    }));
  },
};

const otherCharts: Check = {
  name: "charts are of lines that the values are written for",
  needs: ["versions"],
  run({ versions }) {
    return Object.entries(table.writtenFor).flatMap(([name, [first, last]]) => {
      const chart = name as keyof typeof table.writtenFor;
      const found = versions.charts[chart];
      const known = first === last ? first : `${first} to ${last}`;
      return issueIf(!lineWithin(version(found), first, last), () => unknownLine(chart, found, known));
    });
  },
};

const publishersForm: Check = {
  name: "versions are written as their publishers write them",
  needs: ["versions"],
  run({ versions }) {
    const pins: [path: string, found: string, sample: string][] = [
      ...(Object.entries(versions.charts) as [ChartName, string][]).map(([chart, found]): [string, string, string] => [
        chartPath(chart),
        found,
        defaultPins.charts[chart],
      ]),
      ["versions.gatewayApi.version", versions.gatewayApi.version, "v1.1.0"],
      [
        "versions.prometheusOperatorCrds.version",
        versions.prometheusOperatorCrds.version,
        defaultPins.prometheusOperator,
      ],
    ];
    return pins.flatMap(([path, found, sample]) =>
      issueIf(found.startsWith("v") !== sample.startsWith("v"), () => ({
        path,
        found,
        allowed: `a version ${sample.startsWith("v") ? "with" : "without"} a leading v, as it is published`,
        fix: `write it like ${sample}`,
      })),
    );
  },
};

const agentSkew: Check = {
  name: "K3s agents fit their server",
  needs: ["versions"],
  run({ versions: { k3s } }) {
    const agent = k3s.agentVersion;
    const problem = agent === undefined ? undefined : agentSkewProblem(k3s.version, agent);
    return issueIf(problem !== undefined, () => ({
      path: "versions.k3s.agentVersion",
      found: `${agent} with a server of ${k3s.version}`,
      allowed: problem ?? "",
      fix: "upgrade the server first, then the agents, one minor version at a time",
    }));
  },
};

/** The release that an image's tag names. */
function tagVersion(image: string) {
  return parseVersion(/:([^:@/]+)(@|$)/.exec(image)?.[1] ?? "");
}

export const compatibilityChecks: readonly Check[] = [
  cilium,
  alpn,
  certManager,
  longhorn,
  velero,
  prometheusOperator,
  authentik,
  oauth2Proxy,
  otherCharts,
  publishersForm,
  agentSkew,
];
