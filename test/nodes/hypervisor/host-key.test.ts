import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import * as fc from "fast-check";
import { utils, type ParsedKey } from "ssh2";
import { ed25519HostKey } from "../../../nodes/hypervisor/host-key";
import { needTools } from "./tools";

const seed = Buffer.alloc(32, 7).toString("base64");

describe("ed25519 host key", () => {
  it("is the same text for the same seed, and another for another", () => {
    expect(ed25519HostKey(seed, "vm")).to.deep.equal(ed25519HostKey(seed, "vm"));
    const other = ed25519HostKey(Buffer.alloc(32, 8).toString("base64"), "vm");
    expect(other.publicKey).not.to.equal(ed25519HostKey(seed, "vm").publicKey);
  });

  it("gives the public key of RFC 8032, section 7.1, test 1", () => {
    const rfcSeed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    const rfcPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const { publicKey } = ed25519HostKey(Buffer.from(rfcSeed, "hex").toString("base64"), "vm");
    expect(Buffer.from(publicKey.split(" ")[1], "base64").subarray(-32).toString("hex")).to.equal(rfcPublic);
  });

  it("is what ssh2 reads, and it signs what its public half verifies, for every seed", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
        (bytes, comment) => {
          const key = ed25519HostKey(Buffer.from(bytes).toString("base64"), comment);
          const secret = utils.parseKey(key.privateKey) as ParsedKey;
          const open = utils.parseKey(key.publicKey) as ParsedKey;
          expect([secret.type, secret.isPrivateKey(), secret.comment]).to.deep.equal(["ssh-ed25519", true, comment]);
          expect(secret.getPublicSSH().equals(open.getPublicSSH())).to.equal(true);
          expect(open.verify("text", secret.sign("text"))).to.equal(true);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("is what ssh-keygen reads", function () {
    needTools(this, "ssh-keygen");
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "host-key-"));
    try {
      const file = path.join(folder, "key");
      const { privateKey, publicKey } = ed25519HostKey(seed, "k3s-master1");
      fs.writeFileSync(file, privateKey, { mode: 0o600 });
      expect(execFileSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" }).trim()).to.equal(publicKey);
      expect(execFileSync("ssh-keygen", ["-l", "-f", file], { encoding: "utf8" })).to.match(/^256 SHA256:.*ED25519/);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("fails for anything but 32 bytes, without printing the seed", () => {
    for (const wrong of ["", "AAAA", `${seed}AAAA`, "not base64"]) {
      expect(() => ed25519HostKey(wrong, "vm")).to.throw("the seed of host key vm is not 32 bytes in base64");
    }
    expect(() => ed25519HostKey(seed, "two words")).to.throw("one word");
  });
});
