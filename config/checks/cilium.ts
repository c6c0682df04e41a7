import * as table from "../compatibility";
import { defaultPins } from "../pins";
import { ofRules } from "../readable";
import { line, lineWithin, version } from "../version";
import { issueIf, type Check } from "./check";
import { unknownLine, untestedKubernetes } from "./release";

const cilium: Check = {
  name: "Cilium goes with Kubernetes and the Gateway API",
  run({ versions }) {
    const found = versions.charts.cilium;
    const known = table.ciliumLines[line(version(found))];
    if (!known) {
      return [unknownLine("cilium", found, Object.keys(table.ciliumLines).join(", "))];
    }
    const [first, last] = known.gatewayApi;
    return ofRules(
      () => untestedKubernetes("cilium", versions, known.kubernetes),
      () =>
        issueIf(!lineWithin(version(versions.gatewayApi.version), first, last), () => ({
          path: "versions.gatewayApi.version",
          found: versions.gatewayApi.version,
          allowed: `v${first} to v${last}: Cilium ${found} looks for versions of the CRDs that others do not serve, and serves no gateway`,
          fix: `take a release of v${last}, or another Cilium`,
        })),
      () =>
        issueIf(known.experimentalChannel && versions.gatewayApi.channel !== "experimental", () => ({
          path: "versions.gatewayApi.channel",
          found: versions.gatewayApi.channel,
          allowed: `experimental: Cilium ${found} needs versions that the standard channel lists and does not serve, and its operator crashes in a loop`,
          fix: "set experimental with its sha256, or take Cilium 1.17 or newer",
        })),
    );
  },
};

const alpn: Check = {
  name: "ALPN needs Cilium 1.16",
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

export const ciliumChecks: readonly Check[] = [cilium, alpn];
