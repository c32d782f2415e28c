const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    `Flashwave needs Node 24 or newer, this is ${process.versions.node}. Run it through npm after "npm ci": the development dependencies bring their own Node.`,
  );
  process.exit(1);
}

export {};
