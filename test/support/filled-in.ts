import { createHash } from "node:crypto";
import { isPlaceholder } from "../../config/placeholders";
import { homeConfig } from "./home";

/** The home stack with something in every place that its owner has to fill in; it belongs to no machine. */
export function filledIn(): Record<string, unknown> {
  let count = 0;
  const value = (key: string): string => {
    count += 1;
    const digest = createHash("sha256").update(String(count)).digest();
    const values: Record<string, string> = {
      hostKey: ed25519(digest),
      email: "somebody@example.org",
      value: `TAG${String(count).padStart(4, "0")}`,
      id: `/dev/disk/by-id/nvme-Example_${count}`,
      sha256: digest.toString("hex"),
      digest: `sha256:${digest.toString("hex")}`,
      b2ApplicationKeyId: "0".repeat(25),
      b2ApplicationKey: "K000examplekeyexamplekeyexample",
      deadMansSwitch: "https://hc-ping.com/00000000-0000-4000-8000-000000000000",
      phone: "a-topic-that-nobody-guesses-3141592653",
    };
    return values[key] ?? ed25519(digest);
  };
  const fill = (node: unknown, key = ""): unknown => {
    if (isPlaceholder(node)) {
      return value(key);
    }
    if (Array.isArray(node)) {
      return node.map((item) => fill(item));
    }
    return typeof node === "object" && node !== null
      ? Object.fromEntries(Object.entries(node).map(([name, child]) => [name, fill(child, name)]))
      : node;
  };
  return fill(homeConfig()) as Record<string, unknown>;
}

function ed25519(key: Buffer): string {
  const field = (data: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, data]);
  };
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from("ssh-ed25519")), field(key)]).toString("base64")}`;
}
