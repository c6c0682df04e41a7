import { bucketCapabilities } from "../../components/backup/bucket-capabilities";
import { builtBefore } from "../built";
import type { Check } from "../check";
import type { B2Facts } from "../facts";
import type { Verdict } from "../finding";
import type { House } from "../house";

/**
 * What the program does with the key: it makes two buckets with encryption and lifecycle, and a key for each; and a key can
 * only pass on what it may do itself (Backblaze: b2_create_key, b2_create_bucket, b2_update_bucket).
 */
export const NEEDED = [
  ...bucketCapabilities,
  "writeBuckets",
  "readBucketEncryption",
  "writeBucketEncryption",
  "listKeys",
  "writeKeys",
  "deleteKeys",
] as const;

const CREATE_KEY = "b2 key create homelab " + [...new Set<string>(NEEDED)].join(",");

export function judgeAccount({ homelab }: House, b2: B2Facts): Verdict[] {
  const expected = `Backblaze accepts the key, in ${homelab.backup.b2.endpoint}`;
  if (b2.capabilities === undefined) {
    return [
      b2.status === 401
        ? {
            severity: "error",
            found: `the key is refused: ${b2.problem ?? "unauthorized"}`,
            expected,
            next: "make a new application key at backblaze.com, then: pulumi config set --secret --path 'homelab:secrets.b2ApplicationKeyId' (and b2ApplicationKey)",
          }
        : {
            severity: "unknown",
            found: b2.problem ?? "not asked",
            expected,
            next: /FILL_ME|encrypted|filled/.test(b2.problem ?? "")
              ? "set B2_APPLICATION_KEY_ID and B2_APPLICATION_KEY for this run, or put the Pulumi CLI on PATH"
              : "curl -sS https://api.backblazeb2.com/: is the internet there?",
          },
    ];
  }
  if (b2.endpoint !== undefined && b2.endpoint !== homelab.backup.b2.endpoint) {
    return [
      {
        severity: "error",
        goOn: true,
        found: `the account is in ${b2.endpoint}`,
        expected,
        next: `set backup.b2.endpoint to ${b2.endpoint} and backup.b2.region to its middle part`,
      },
    ];
  }
  return [{ severity: "ok", found: "accepted", expected }];
}

export function judgeCapabilities(b2: B2Facts): Verdict[] {
  const expected = "may manage buckets and keys of the whole account";
  if (b2.confinedTo !== undefined) {
    return [
      {
        severity: "error",
        found: `the key is confined to the bucket ${b2.confinedTo}`,
        expected,
        next: CREATE_KEY,
      },
    ];
  }
  const missing = NEEDED.filter((capability) => !b2.capabilities?.includes(capability));
  return [
    missing.length === 0
      ? { severity: "ok", found: "sufficient", expected }
      : { severity: "error", found: `the key lacks ${missing.join(", ")}`, expected, next: CREATE_KEY },
  ];
}

export function judgeBuckets({ homelab }: House, b2: B2Facts, built: boolean): Verdict[] {
  const { veleroBucket, etcdBucket } = homelab.backup.b2;
  return [veleroBucket, etcdBucket].map((item): Verdict => {
    const there = b2.buckets?.[item];
    if (there === undefined) {
      return {
        severity: "unknown",
        item,
        found: `could not be listed: ${b2.problem ?? "not asked"}`,
        expected: "listed",
        next: "b2 bucket list",
      };
    }
    if (built) {
      return there
        ? { severity: "ok", item, found: "there", expected: "there" }
        : {
            severity: "error",
            item,
            found: "not in the account",
            expected: "there, with the backups",
            next: "b2 bucket list: is it another account? Do not run `pulumi up` before you know",
          };
    }
    return there
      ? {
          severity: "warning",
          item,
          found: "there already, though nothing shows that this program made it",
          expected: "not there before the first run, or made by this program",
          next: "choose another name: what is in it opens only with the password that the state of its own stack has",
        }
      : { severity: "ok", item, found: "not made yet; `pulumi up` makes it", expected: "there after the first run" };
  });
}

export const b2Checks: readonly Check[] = [
  {
    scope: "house",
    name: "b2.account",
    layer: "b2",
    why: "the backups outside the house are in this account",
    applies: ({ whole }) => whole,
    needs: [],
    judge: ({ house, facts }) => judgeAccount(house, facts.b2),
  },
  {
    scope: "house",
    name: "b2.capabilities",
    layer: "b2",
    why: "`pulumi up` makes buckets and narrow keys with this key, and fails in the middle without",
    applies: ({ whole }) => whole,
    needs: ["b2.account"],
    judge: ({ facts }) => judgeCapabilities(facts.b2),
  },
  {
    scope: "house",
    name: "b2.buckets",
    layer: "b2",
    why: "a bucket of the same name is either the backups that are looked for, or in the way",
    applies: ({ whole }) => whole,
    needs: ["b2.account"],
    judge: ({ house, facts }) => judgeBuckets(house, facts.b2, builtBefore(facts) !== undefined),
  },
];
