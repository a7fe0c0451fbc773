/** Options of the verbs that read an experiment's settings. */
export const settingOptions = {
  profile: {
    type: "text",
    value: "NAME",
    help: "Which of the file's profiles. Default TUNING_FORK_PROFILE, else quick.",
  },
  data: {
    type: "text",
    value: "SPEC",
    help: "The data set, in place of the file's: a registered name, an .h5 file in Galaxy10's layout, a CSV or Parquet table, or a folder of class folders.",
  },
  set: {
    type: "text",
    value: "KEY=VALUE",
    help: "Any key of the settings, such as train.epochs=5 or train.optimizer.learningRate=1e-4.",
    multiple: true,
  },
} as const;
