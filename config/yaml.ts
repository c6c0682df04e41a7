import { parseAllDocuments, stringify, type Tags } from "yaml";

/**
 * A value as YAML for readers of version 1.1, as all are that this program writes for: Kubernetes, Helm, K3s and containerd
 * by way of Go's yaml packages, cloud-init by PyYAML. Texts such as no, on, 0400 or 52:54:00 are quoted. Lines are not
 * folded, because a wrapped key is hard to review.
 */
export function toYaml(value: unknown): string {
  return stringify(value, { version: "1.1", lineWidth: 0, aliasDuplicateObjects: false });
}

/**
 * The documents of a text as Kubernetes reads them: no and on are truth values, 0400 is a number to the base 8, and times and
 * dates are texts (sigs.k8s.io/yaml goyaml.v2/resolve.go).
 *
 * @throws YAMLParseError for a text that is no YAML.
 */
export function fromYaml(text: string): unknown[] {
  return parseAllDocuments(text, { version: "1.1", customTags: withoutTimes }).map((document) => {
    if (document.errors.length > 0) {
      throw document.errors[0];
    }
    return document.toJS({ maxAliasCount: -1 }) as unknown;
  });
}

function withoutTimes(tags: Tags): Tags {
  return tags.filter(
    (tag) => typeof tag === "string" || !(("format" in tag && tag.format === "TIME") || /:timestamp$/.test(tag.tag)),
  );
}
