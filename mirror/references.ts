/**
 * An image reference in full, as containerd reads it: with its registry, and `library/` for Docker's own.
 * `nginx:1` is docker.io/library/nginx:1. Source: distribution/reference normalize.go.
 */
export function fullReference(reference: string): string {
  const [first, ...rest] = reference.split("/");
  const named = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  const [registry, path] = named ? [first, rest.join("/")] : ["docker.io", reference];
  const full = registry === "docker.io" && !path.includes("/") ? `library/${path}` : path;
  return /[:@]/.test(full) ? `${registry}/${full}` : `${registry}/${full}:latest`;
}

/** With a slash and a tag or digest: what else in arguments and variables can only be an image. */
const LOOKS_LIKE_AN_IMAGE =
  /^([a-z0-9][a-z0-9.-]*(:[0-9]+)?\/)?[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)*:[A-Za-z0-9_][A-Za-z0-9_.-]*(@sha256:[0-9a-f]{64})?$/;

/**
 * Images that Kubernetes objects name: in a field `image`, and in arguments and variables, where operators are told
 * what to start (Longhorn's engine, Prometheus' config reloader).
 */
export function imagesIn(value: unknown, key = ""): Set<string> {
  const found = new Set<string>();
  if (typeof value === "string") {
    if (key === "image" && value.trim() !== "") {
      found.add(fullReference(value));
    } else if (["args", "command", "value"].includes(key)) {
      const word = value.slice(value.startsWith("--") ? value.indexOf("=") + 1 : 0);
      if (word.includes("/") && LOOKS_LIKE_AN_IMAGE.test(word)) {
        found.add(fullReference(word));
      }
    }
  } else if (typeof value === "object" && value !== null) {
    for (const [name, child] of Object.entries(value)) {
      // The items of a list are what the list is.
      imagesIn(child, Array.isArray(value) ? key : name).forEach((image) => found.add(image));
    }
  }
  return found;
}
