import { Command, Option } from "commander";
import type { PassphraseFlags } from "../artifact/files.ts";
import { type ApproveFlags, approve, cosign, keygen, printer, type SignFlags, sign } from "../artifact/make.ts";
import { inspect, type VerifyFlags, verify } from "../artifact/show.ts";
import type { Io } from "../job.ts";

type Ended = (code: number) => void;

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];
const repeatable = (flags: string, text: string): Option => new Option(flags, text).argParser(collect);

const passphrase = (command: Command): Command =>
  command
    .option("--passphrase-file <file>", "the private key's passphrase")
    .option("--passphrase-env <name>", "the environment variable that holds it");

/** Signing and what goes with it: no device is spoken to. */
export function artifactCommand(program: Command, io: Io, ended: Ended): Command {
  const print = printer(io);
  const group = new Command("artifact")
    .copyInheritedSettings(program)
    .description("make keys, sign artifacts, and check what was signed");
  const add = (name: string, text: string) => group.command(name).description(text);
  passphrase(add("keygen", "a new pair of Ed25519 keys: <name>.key and <name>.pub"))
    .argument("<name>", "of the files, without their ending")
    .action((name: string, flags: PassphraseFlags) => keygen(name, flags, print));
  passphrase(add("sign", "write an artifact's manifest and sign it"))
    .argument("<artifact>", "the firmware file")
    .requiredOption("--key <file>", "the private key, PEM")
    .option("--firmware-version <version>", "the version a device reports once it runs the artifact")
    .option("--sequence <number>", "rises with every release that is signed")
    .option("--expires <time>", "2027-01-31T00:00:00Z, or days from now: 90d")
    .addOption(repeatable("--hardware <id>", "hardware it is meant for; repeatable (default: any)"))
    .option("--minimum-version <version>", "the oldest version that it may replace (default: any)")
    .option("--name <name>", "of the artifact, for people (default: the file's)")
    .option("--manifest <file>", "where to write it (default: <artifact>.manifest.json)")
    .option("--minisign", "sign the plain file as minisign does instead: <artifact>.minisig")
    .action((path: string, flags: SignFlags) => sign(path, flags, io, print));
  passphrase(add("cosign", "add a signature to a manifest or an approval"))
    .argument("<document>", "the manifest or approval")
    .requiredOption("--key <file>", "the private key, PEM")
    .action((path: string, flags: PassphraseFlags & { readonly key: string }) => cosign(path, flags, print));
  passphrase(add("approve", "approve a downgrade of certain devices to what a manifest names"))
    .argument("<manifest>", "the manifest of the older artifact")
    .requiredOption("--key <file>", "the private key, PEM")
    .requiredOption("--device <id...>", "the ids of the devices")
    .requiredOption("--expires <time>", "2027-01-31T00:00:00Z, or days from now: 7d")
    .option("--reason <text>", "for people")
    .option("--out <file>", "where to write it (default: beside it, ….approval-<day>.json)")
    .action((path: string, flags: ApproveFlags) => approve(path, flags, print));
  add("verify", "check an artifact against its manifest and whose signatures that has")
    .argument("<artifact>", "the firmware file")
    .addOption(repeatable("--trusted-key <file>", "who may sign: a public key, PEM or minisign; repeatable"))
    .option("--threshold <count>", "how many different ones must have signed (default: 1)")
    .option("--manifest <file>", "default: <artifact>.manifest.json")
    .option("--minisign <file>", "a minisign signature instead")
    .action(async (path: string, flags: VerifyFlags) => ended(await verify(path, flags, io, print)));
  add("inspect", "show what a manifest, an approval, a public key or a minisign signature says; checks nothing")
    .argument("<file>")
    .action((path: string) => inspect(path, print));
  return group;
}
