import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  clearScreen: false,
  // The window's content policy allows no data: scripts, and small files are as fast from disk.
  build: { target: 'es2022', assetsInlineLimit: 0, sourcemap: false },
  server: { port: 5173, strictPort: true, host: '127.0.0.1' },
  // Unit tests take the browser's half of Svelte too.
  ...(process.env.VITEST ? { resolve: { conditions: ['browser'] } } : {}),
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/test-setup.ts'],
    restoreMocks: true,
  },
});
