/** The version of the package, repeated here because importing package.json would bundle all of it. */
export const VERSION = '0.2.0'
