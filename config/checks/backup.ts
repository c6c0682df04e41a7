import { longestGapHours } from "../cron";
import type { ConfigIssue } from "../issues";
import { ofEach, ofRules } from "../readable";
import { durationHours } from "../units";
import { issueIf, repeated, type Check } from "./check";

/** Of each kind of backup there are at least two: while the next one fails, one is still good. */
const KEPT_RUNS = 2;
const scheduleNames = ["hourly", "daily", "weekly"] as const;

const endpoint: Check = {
  name: "the endpoint is that of the region",
  run({ backup: { b2 } }) {
    const wanted = `s3.${b2.region}.backblazeb2.com`;
    return issueIf(b2.endpoint !== wanted, () => ({
      path: "backup.b2.endpoint",
      found: b2.endpoint,
      allowed: `${wanted} for region ${b2.region}, without https://`,
      fix: "copy the endpoint of a bucket of the account, and take the region from its middle",
    }));
  },
};

const buckets: Check = {
  name: "backups and snapshots have a bucket each",
  run({ backup: { b2 } }) {
    return issueIf(b2.veleroBucket === b2.etcdBucket, () => ({
      path: "backup.b2.etcdBucket",
      found: `${b2.etcdBucket}, which is also backup.b2.veleroBucket`,
      allowed: "a bucket of its own: each has its own key and its own lifecycle",
      fix: "rename one of them",
    }));
  },
};

const retention: Check = {
  name: "a backup outlives the next one",
  run({ backup }) {
    return ofRules(
      () =>
        ofEach(scheduleNames, (name) => {
          const { keep, cron } = backup.schedules[name];
          const least = Math.ceil(KEPT_RUNS * longestGapHours(cron));
          return issueIf(durationHours(keep) < least, () => ({
            path: `backup.schedules.${name}.keep`,
            found: `${keep} for '${cron}'`,
            allowed: `at least ${least}h, ${KEPT_RUNS} times the longest pause between two runs`,
            fix: `write ${least}h or more`,
          }));
        }),
      () =>
        issueIf(backup.etcd.retention < KEPT_RUNS, () => ({
          path: "backup.etcd.retention",
          found: String(backup.etcd.retention),
          allowed: `at least ${KEPT_RUNS} snapshots: the last one may hold the very mistake that is to be undone`,
          fix: `write ${KEPT_RUNS} or more, better a day's`,
        })),
    );
  },
};

const order: Check = {
  name: "schedules are as frequent as their names",
  run({ backup: { schedules } }) {
    return ofEach(scheduleNames.slice(1), (name, index) => {
      const faster = scheduleNames[Number(index)];
      return issueIf(longestGapHours(schedules[faster].cron) > longestGapHours(schedules[name].cron), () => ({
        path: `backup.schedules.${faster}.cron`,
        found: `'${schedules[faster].cron}', which is rarer than ${name} '${schedules[name].cron}'`,
        allowed: `a schedule at least as frequent as ${name}: alerts take their patience from these`,
        fix: "swap the two, or correct one",
      }));
    });
  },
};

const NAMESPACE = /^(?=.{1,63}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

const namespaces: Check = {
  name: "critical namespaces are namespaces",
  run({ backup: { schedules } }) {
    const entries = ofEach(schedules.daily.namespaces, (value, index) => [
      { path: `backup.schedules.daily.namespaces[${index}]`, value },
    ]);
    return [
      ...entries.flatMap(({ path, value }): ConfigIssue[] =>
        issueIf(!NAMESPACE.test(value), () => ({
          path,
          found: value,
          allowed: "the name of a namespace: lower-case letters, digits and dashes",
          fix: "list the namespaces one by one; the weekly backup covers all of them",
        })),
      ),
      ...repeated(entries).map(({ path, value, first }) => ({
        path,
        found: `${value}, which is also ${first}`,
        allowed: "each namespace once",
        fix: "remove it",
      })),
    ];
  },
};

export const backupChecks: readonly Check[] = [endpoint, buckets, retention, order, namespaces];
