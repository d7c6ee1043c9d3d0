module clewline.invalid/load

go 1.19
