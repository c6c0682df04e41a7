import { USER } from "./image";

/** A file that the machine gets before any of its services start. */
export interface InjectedFile {
  path: string;
  mode: string;
  owner: string;
  content: string;
}

/**
 * Lines of tmpfiles.d that write files at each boot. `~`: the content is base64, so that it may have many lines
 * (systemd 250 and later).
 */
export function tmpfilesLines(files: readonly InjectedFile[]): string {
  return files
    .map(({ path, mode, owner, content }) => {
      const folder = path.slice(0, path.lastIndexOf("/"));
      const makeFolder = folder.endsWith("/.ssh") ? [`d ${folder} 0700 ${owner} ${owner} -`] : [];
      const base64 = Buffer.from(content).toString("base64");
      return [...makeFolder, `f+~ ${path} ${mode} ${owner} ${owner} - ${base64}`].join("\n");
    })
    .map((line) => `${line}\n`)
    .join("");
}

/**
 * The files as a system credential in an SMBIOS string (type 11), which systemd 251 and later import at boot: no seed
 * disk, and no cloud-init, which costs tens of seconds in software emulation.
 */
export function smbiosString(files: readonly InjectedFile[]): string {
  const lines = Buffer.from(tmpfilesLines(files)).toString("base64");
  return `io.systemd.credential.binary:tmpfiles.extra=${lines}`;
}

/** Host key, and who may log in. */
export function identityFiles(hostKey: { privateKey: string; publicKey: string }, authorized: string): InjectedFile[] {
  const hostKeyPath = "/etc/ssh/ssh_host_ed25519_key";
  return [
    { path: hostKeyPath, mode: "0600", owner: "root", content: hostKey.privateKey },
    { path: `${hostKeyPath}.pub`, mode: "0644", owner: "root", content: `${hostKey.publicKey}\n` },
    { path: "/root/.ssh/authorized_keys", mode: "0600", owner: "root", content: `${authorized}\n` },
    { path: `/home/${USER}/.ssh/authorized_keys`, mode: "0600", owner: USER, content: `${authorized}\n` },
  ];
}
