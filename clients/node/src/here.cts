/** The folder of the compiled files. Only CommonJS knows it without a word of its own, so this file is that in both. */
export const here: string = __dirname;
