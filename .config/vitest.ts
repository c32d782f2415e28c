import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: [
      "src/**/*.test.ts",
      "mocks/**/*.test.ts",
      "bench/**/*.test.ts",
      "integration/**/*.test.ts",
      "examples/**/*.test.ts",
    ],
    // Two cores are the smallest machine we support; real sockets want one suite at a time to keep their sense of time.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    restoreMocks: true,
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/**/*.test.ts", "src/**/*.suite.ts", "src/push/fakes/**"],
      reporter: ["text-summary", "json-summary"],
    },
  },
});
