import * as fs from "node:fs";
import * as path from "node:path";
import { toYaml } from "../../config/yaml";

/** A Kubernetes object as plain data. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
}

type Schema = Record<string, unknown> & { properties?: Record<string, unknown> };

/** A kind as test/contracts keeps it: a publisher's schema without prose, defaults, status and rules in CEL. */
interface Contract {
  group: string;
  plural: string;
  kind: string;
  scope: "Namespaced" | "Cluster";
  versions: Record<string, { served: boolean; schema: Schema }>;
}

const CONTRACTS = path.join(__dirname, "..", "..", "test", "contracts", "crds");
const OPEN = { type: "object", "x-kubernetes-preserve-unknown-fields": true } as const;

/**
 * CRDs of a release, from the schemas that the program's own tests judge by. What is left out there is left out here: the
 * API server checks names, types and required fields, no defaults and no rules in CEL; any status is taken.
 *
 * @param release folder of test/contracts/crds, such as longhorn-1.6.2.
 * @throws Error if there is none of that release.
 */
export function contractCrds(release: string): KubernetesObject[] {
  const folder = path.join(CONTRACTS, release);
  if (!fs.existsSync(folder)) {
    throw new Error(`no CRDs of ${release} in test/contracts: derive them with bin/derive-contracts.js`);
  }
  return fs
    .readdirSync(folder)
    .sort()
    .map((file) => crd(JSON.parse(fs.readFileSync(path.join(folder, file), "utf8")) as Contract));
}

/** A CRD that takes any content, where not even a contract is at hand. */
export function openCrd(group: string, plural: string, kind: string, versions: readonly string[]): KubernetesObject {
  const schema = { type: "object", properties: { spec: OPEN } };
  return crd({
    group,
    plural,
    kind,
    scope: "Namespaced",
    versions: Object.fromEntries(versions.map((version) => [version, { served: true, schema }])),
  });
}

function crd({ group, plural, kind, scope, versions }: Contract): KubernetesObject {
  const stored = Object.keys(versions)
    .filter((version) => versions[version].served)
    .sort(byMaturity)
    .pop();
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: `${plural}.${group}`,
      // Groups of Kubernetes' own want to say who approved them.
      ...(group.endsWith(".k8s.io")
        ? { annotations: { "api-approved.kubernetes.io": "unapproved, for rehearsals" } }
        : {}),
    },
    spec: {
      group,
      scope,
      names: { plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
      versions: Object.entries(versions).map(([name, { served, schema }]) => ({
        name,
        served,
        storage: name === stored,
        schema: { openAPIV3Schema: { ...schema, properties: { ...schema.properties, status: OPEN } } },
        subresources: { status: {} },
      })),
    },
  };
}

/** v1alpha2 before v1beta1 before v1 before v2, as Kubernetes sorts versions. */
function byMaturity(one: string, other: string): number {
  const rank = (version: string) => {
    const [, major, stage, minor] = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version) ?? [];
    const level = stage === "alpha" ? 0 : stage === "beta" ? 1 : 2;
    return level * 1e6 + Number(major ?? 0) * 1e3 + Number(minor ?? 0);
  };
  return rank(one) - rank(other);
}

/** One document each. */
export function manifests(objects: readonly KubernetesObject[]): string {
  return objects.map((object) => `---\n${toYaml(object)}`).join("");
}
