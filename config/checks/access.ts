import { memoryOfPods } from "../apps/memory";
import { nearest } from "../nearest";
import { isReadable } from "../placeholders";
import { ofEach, ofRules } from "../readable";
import type { RawHomelab } from "../schema";
import { toMib } from "../units";
import { issueIf, type Check } from "./check";

const timezone: Check = {
  name: "the time zone exists",
  run({ cluster }) {
    return issueIf(!isTimeZone(cluster.timezone), () => ({
      path: "cluster.timezone",
      found: cluster.timezone,
      allowed: "a time zone of /usr/share/zoneinfo, or UTC",
      fix: "write for example America/New_York; see timedatectl list-timezones",
    }));
  },
};

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const groups: Check = {
  name: "administrators are a group of their own",
  run({ identity }) {
    const { admins, viewers } = identity.groups;
    return issueIf(admins === viewers, () => ({
      path: "identity.groups.viewers",
      found: `${viewers}, which is also identity.groups.admins`,
      allowed: "another group: whoever may look could do everything",
      fix: "rename one of them",
    }));
  },
};

const privateKey: Check = {
  name: "the private key is one",
  run({ secrets: { sshPrivateKey } }) {
    const wrong =
      sshPrivateKey !== undefined &&
      isReadable(sshPrivateKey) &&
      !/^-----BEGIN [A-Z ]*PRIVATE KEY-----\n/.test(sshPrivateKey);
    return issueIf(wrong, () => ({
      path: "secrets.sshPrivateKey",
      found: "a value of another form, which is not shown",
      allowed: "the text of a private key with its line breaks, from -----BEGIN to the end",
      fix: "run: pulumi config set --secret --path 'homelab:secrets.sshPrivateKey' < ~/.ssh/id_ed25519",
    }));
  },
};

/** A name without apps would be believed to limit something. */
const quotas: Check = {
  name: "quotas are for namespaces of apps",
  run({ cluster, apps }) {
    const known = [...new Set(Object.values(apps).map(({ namespace }) => namespace))];
    return Object.keys(cluster.quotas)
      .filter((name) => !known.includes(name))
      .map((name) => ({
        path: `cluster.quotas.${name}`,
        found: "a quota of a namespace without apps",
        allowed: known.length > 0 ? `namespaces of apps: ${known.join(", ")}` : "none, for there are no apps",
        fix: nearest(name, known) ? `did you mean '${nearest(name, known)}'?` : "take it away",
      }));
  },
};

/** Kubernetes refuses pods past a quota one by one, whenever they happen to start anew. */
const quotasSuffice: Check = {
  name: "quotas hold what the apps declare",
  run({ cluster, apps }) {
    return ofEach(cluster.quotas, (quota, namespace) => {
      const inside = Object.entries(apps).filter(([, app]) => app.namespace === namespace);
      const pods = inside.flatMap(([, app]) => memoryOfPods(app));
      const needed = pods.reduce((sum, each) => sum + each, 0);
      const path = `cluster.quotas.${namespace}`;
      return ofRules(
        () =>
          issueIf(quota.memory !== undefined && toMib(quota.memory) < needed, () => ({
            path: `${path}.memory`,
            found: `${quota.memory}, and the limits of its apps and their jobs are ${needed}Mi together`,
            allowed: `at least ${needed}Mi: Kubernetes refuses every pod beyond a quota`,
            fix: `raise it, or lower resources.memoryLimit of ${largest(inside)}`,
          })),
        () =>
          issueIf(quota.pods !== undefined && quota.pods < pods.length, () => ({
            path: `${path}.pods`,
            found: `${quota.pods}, and its apps and their jobs are ${pods.length} pods`,
            allowed: `at least ${pods.length}: Kubernetes refuses every pod beyond a quota`,
            fix: "raise it, or take it away",
          })),
      );
    });
  },
};

/** The app with the highest limit, and that limit. */
function largest(apps: readonly [string, RawHomelab["apps"][string]][]): string {
  const [[name, { resources }]] = [...apps].sort(
    ([, one], [, other]) => toMib(other.resources.memoryLimit) - toMib(one.resources.memoryLimit),
  );
  return `${name}, ${resources.memoryLimit}`;
}

const auditLog: Check = {
  name: "the audit log is kept longest",
  run({ monitoring: { loki } }) {
    return issueIf(loki.auditDays < loki.retentionDays, () => ({
      path: "monitoring.loki.auditDays",
      found: `${loki.auditDays}, and other logs are kept ${loki.retentionDays} days`,
      allowed: `${loki.retentionDays} or more`,
      fix: "raise it, or lower monitoring.loki.retentionDays",
    }));
  },
};

export const accessChecks: readonly Check[] = [timezone, groups, privateKey, quotas, quotasSuffice, auditLog];
