# Templates, events, summaries and digests.
fault-unknown-event = There is no notification template with this name.
fault-in-past = This time is in the past.
fault-not-relative = This link must stay within the app: use a path that starts with a single slash.
fault-unknown-variable = Line { $line }: this text uses a variable that the template does not declare ({ $why }).
fault-template-broken = Line { $line }: this text cannot be rendered ({ $why }).
fault-template-refused = Line { $line }: this construct is not allowed ({ $why }).
fault-template-too-long = This text takes too long to render. Simplify it.
fault-blank = This text is empty once rendered.
notifications-summary-subject = New notifications: { $count }
notifications-summary-body = You have new notifications: { $count }.
notifications-digest-subject = Your notifications: { $count }
notifications-digest-body = Here is what happened since your last summary.
fault-must-be-optional = Producers do not always send this variable. Make it optional.
