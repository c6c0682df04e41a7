import { createHash, createPrivateKey, createPublicKey } from "node:crypto";

/** A host key as sshd reads it and as clients pin it. */
export interface HostKey {
  /** OpenSSH private key, PEM text with a final newline. Secret. */
  privateKey: string;
  /** One line: `ssh-ed25519 AAAA... comment`. */
  publicKey: string;
}

const ALGORITHM = "ssh-ed25519";
/** DER of a PKCS #8 ed25519 private key up to the 32 bytes of its seed (RFC 8410, section 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const CIPHER_BLOCK_BYTES = 8;

/**
 * Makes an ed25519 host key from a seed, so that a machine's key is known before its first boot. The same seed always
 * gives the same text: the format's two check integers, random elsewhere, are derived from the seed.
 *
 * Format: OpenSSH's PROTOCOL.key, without encryption.
 *
 * @param seedBase64 32 bytes in base64. Secret.
 * @param comment no spaces or line breaks.
 * @throws Error if the seed is not 32 bytes or the comment is malformed; the message holds nothing of the seed.
 */
export function ed25519HostKey(seedBase64: string, comment: string): HostKey {
  const seed = Buffer.from(seedBase64, "base64");
  if (seed.length !== 32 || seed.toString("base64") !== seedBase64) {
    throw new Error(`the seed of host key ${comment} is not 32 bytes in base64`);
  }
  if (!/^[!-~]+$/.test(comment)) {
    throw new Error("the comment of a host key is one word of ASCII");
  }
  const point = publicPoint(seed);
  const publicBlob = Buffer.concat([field(ALGORITHM), field(point)]);
  const check = createHash("sha256").update("homelab host key check").update(seed).digest().subarray(0, 4);
  const secretPart = padded(
    Buffer.concat([check, check, publicBlob, field(Buffer.concat([seed, point])), field(comment)]),
  );
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"), // cipher
    field("none"), // key derivation
    field(""), // its options
    uint32(1), // number of keys
    field(publicBlob),
    field(secretPart),
  ]);
  return {
    privateKey: pem("OPENSSH PRIVATE KEY", file),
    publicKey: `${ALGORITHM} ${publicBlob.toString("base64")} ${comment}`,
  };
}

function publicPoint(seed: Buffer): Buffer {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  // The last 32 bytes of an ed25519 SubjectPublicKeyInfo are the point itself.
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

/** A string of the SSH wire format (RFC 4251, section 5). */
function field(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** Padding 1, 2, 3, ... up to the block size, which is 8 without a cipher. */
function padded(part: Buffer): Buffer {
  const missing = (CIPHER_BLOCK_BYTES - (part.length % CIPHER_BLOCK_BYTES)) % CIPHER_BLOCK_BYTES;
  return Buffer.concat([part, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,70}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
