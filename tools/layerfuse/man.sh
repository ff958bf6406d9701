#!/bin/sh
# man.sh COMMAND: the manual page layerfuse(1), which says what the command's own --help says
set -eu
command=$1
version=$("$command" --version | sed 's/[^0-9.]*//g')

# Text as it stands: no request, no hyphen that becomes a dash.
verbatim() {
    sed -e 's/\\/\\e/g' -e "s/^[.']/\\\\\&&/" -e 's/-/\\-/g'
}
help() {
    echo '.nf'
    verbatim
    echo '.fi'
}

cat <<END
.TH LAYERFUSE 1 "" "layerfuse $version" "User Commands"
.SH NAME
layerfuse \- find layers of a trained network that resemble each other, and make them share weights
.SH SYNOPSIS
.B layerfuse
.I SUBCOMMAND
\&...
.SH DESCRIPTION
END
"$command" --help | sed '1,2d' | help
for subcommand in inspect similarity plan apply verify expand report; do
    echo ".SH LAYERFUSE $(echo $subcommand | tr '[:lower:]' '[:upper:]')"
    "$command" $subcommand --help | help
done
cat <<'END'
.SH FILES
Tensors are read from and written to safetensors files. A file in which tensors share weights lists the
other names in its metadata, under
.BR layerfuse.aliases ,
.B layerfuse.banks
and
.BR layerfuse.residuals ;
.B layerfuse expand
writes them all. A plan is JSON.
.SH EXIT STATUS
0 done, 1 failed, 2 wrong usage. Errors are one line on stderr.
.SH EXAMPLES
.nf
layerfuse plan resnet20.safetensors \-\-type\-rule digits \-\-metric linear_cka \-\-ratio 2 \-o plan.json
layerfuse apply resnet20.safetensors plan.json \-o small.safetensors
layerfuse verify resnet20.safetensors plan.json small.safetensors
.fi
.SH SEE ALSO
.BR layerfuse (3)
.PP
J. O'Neill, G. Ver Steeg, A. Galstyan, "Compressing Deep Neural Networks via Layer Fusion", 2021,
arXiv:2007.14917.
END
