fault-unknown-event = No notification template has this name.
fault-not-relative = This link must stay within the app: a path that begins with a single slash.
fault-unknown-variable = Line { $line }: this text names a variable that the template does not declare ({ $why }).
fault-template-broken = Line { $line }: this text cannot be rendered ({ $why }).
fault-template-refused = Line { $line }: this construct is not permitted ({ $why }).
fault-template-too-long = This text takes too much computing.
fault-blank = This text comes out empty.
fault-must-be-optional = Producers did not promise this variable: it can only be optional.
