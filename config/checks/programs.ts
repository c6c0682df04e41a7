import * as table from "../compatibility";
import { defaultPins } from "../pins";
import { agentSkewProblem, compareVersions, line, version } from "../version";
import { issueIf, type Check } from "./check";
import { tagVersion, unknownLine } from "./release";

const velero: Check = {
  name: "Velero goes with its plugin, and the plugin with B2",
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

const oauth2Proxy: Check = {
  name: "OAuth2-Proxy's image has its security fixes",
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

const agentSkew: Check = {
  name: "K3s agents fit their server",
  run({ versions: { k3s } }) {
    const agent = k3s.agent?.version;
    const problem = agent === undefined ? undefined : agentSkewProblem(k3s.version, agent);
    return issueIf(problem !== undefined, () => ({
      path: "versions.k3s.agent.version",
      found: `${agent} with a server of ${k3s.version}`,
      allowed: problem ?? "",
      fix: "upgrade the server first, then the agents, one minor version at a time",
    }));
  },
};

export const programChecks: readonly Check[] = [velero, oauth2Proxy, agentSkew];
