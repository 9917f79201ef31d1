import { defineConfig } from '@playwright/test'

const PORT = 4173

export default defineConfig({
  testDir: '.',
  testMatch: ['tests/**/*.spec.ts', 'playground/**/*.spec.ts'],
  outputDir: './test-results',
  reporter: 'list',
  fullyParallel: true,
  forbidOnly: true,
  // A browser on a busy machine is slow.
  timeout: 120_000,
  expect: { timeout: 30_000 },
  use: {
    baseURL: `http://localhost:${PORT}/immutable-pods-policy/`,
    launchOptions: { executablePath: process.env.CHROMIUM },
  },
  webServer: {
    command: `npm run preview -- --port ${PORT}`,
    port: PORT,
    reuseExistingServer: false,
  },
})
